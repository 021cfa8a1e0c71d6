"""The files that other programs read: launch/mpijob.yaml and docker/compose.yaml. They parse, have what those programs
require, and agree with the image of docker/cpu.Dockerfile about paths, ports and users. Needs no network and no daemon."""
import re
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGE = (ROOT / "docker" / "cpu.Dockerfile").read_text()
SSHD = (ROOT / "docker" / "sshd_config").read_text()
SSH = (ROOT / "docker" / "ssh_config").read_text()
HOME = "/home/sterna"


def check_command(test, words):
    """A command of a container: a program that the image has, and files of its working directory."""
    in_image = {"sterna-node": "docker/node.sh", "launch/hosts.sh": "launch/hosts.sh"}
    test.assertIn(words[0], in_image)
    test.assertTrue((ROOT / in_image[words[0]]).stat().st_mode & 0o100)
    if "--config" in words:
        test.assertTrue((ROOT / words[words.index("--config") + 1]).is_file())
    if "--log-dir" in words:
        test.assertEqual(str(Path(words[words.index("--log-dir") + 1]).parent), f"{HOME}/results")


class Image(unittest.TestCase):
    def test_daemon_and_client_agree(self):
        port = re.search(r"^Port (\d+)$", SSHD, re.M).group(1)
        self.assertEqual(port, re.search(r"^  Port (\d+)$", SSH, re.M).group(1))
        self.assertGreaterEqual(int(port), 1024)  # its daemon is not root
        self.assertEqual(re.search(r"^HostKey (.*)$", SSHD, re.M).group(1), f"{HOME}/.ssh/id_rsa")
        self.assertIn("IdentityFile ~/.ssh/id_rsa\n", SSH)
        self.assertIn("-f /etc/sterna/sshd_config", (ROOT / "docker" / "node.sh").read_text())
        self.assertIn("COPY docker/sshd_config /etc/sterna/sshd_config", IMAGE)
        self.assertIn("COPY docker/node.sh /usr/local/bin/sterna-node", IMAGE)
        self.assertRegex(IMAGE, r"\nUSER sterna\nWORKDIR /opt/sterna\n")

    def test_has_the_libraries_that_the_program_is_built_with(self):
        setup = (ROOT / "launch" / "setup.sh").read_text()
        # What setup.sh installs to link with, and the package that has the library itself.
        for build, run in (("libopenmpi-dev", "openmpi-bin"), ("libdnnl-dev", "libdnnl2"), ("libfftw3-dev", "libfftw3-single3"),
                           ("libopenblas-openmp-dev", "libopenblas0-openmp"), ("libturbojpeg0-dev", "libturbojpeg0"),
                           ("libxxhash-dev", "libxxhash0"), ("libtomlplusplus-dev", "libtomlplusplus3")):
            self.assertIn(build, setup)
            self.assertRegex(IMAGE, rf"\s{run}\s")


    def test_has_every_folder_that_the_build_reads(self):
        added = re.findall(r"^add_subdirectory\((\w+)\)$", (ROOT / "CMakeLists.txt").read_text(), re.M)
        self.assertIn("runtime", added)
        for folder in [*added, "cmake", "configs", "include"]:
            self.assertIn(f"\nCOPY {folder} {folder}\n", IMAGE)

    def test_for_gpus_is_that_for_cpus_with_another_program(self):
        gpu = (ROOT / "docker" / "cuda.Dockerfile").read_text()
        readme = (ROOT / "docker" / "README.md").read_text()
        for argument, stage in (("CPU", ""), ("BUILD", " --target build")):
            tag = re.search(rf"^ARG {argument}=(\S+)$", gpu, re.M).group(1)
            for text in (gpu, readme):
                self.assertIn(f"docker build -f docker/cpu.Dockerfile{stage} -t {tag} .", text)
        self.assertRegex(IMAGE, r"(?m)^FROM \S+ AS build$")
        for copied in re.findall(r"^COPY --from=build (\S+) (\S+)$", gpu, re.M):
            self.assertTrue(copied[0].startswith("/usr/lib/") or f"COPY --from=build {copied[0]} {copied[1]}\n" in IMAGE)
        self.assertTrue(gpu.endswith("\nUSER sterna\n"))  # root copies, and runs nothing
        self.assertIn("-DSTERNA_CUDA=ON", gpu)


class Compose(unittest.TestCase):
    def setUp(self):
        self.file = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
        self.services = self.file["services"]

    def test_has_three_nodes_that_its_launcher_names(self):
        entry = self.services["launcher"]["entrypoint"]
        check_command(self, entry + self.services["launcher"]["command"])
        hosts = entry[entry.index("--hosts") + 1].split(",")
        self.assertEqual(hosts, ["launcher", "node1", "node2"])
        for host in hosts:
            self.assertEqual(self.services[host]["hostname"], host)
        for host in hosts[1:]:
            check_command(self, self.services[host]["command"])
            self.assertIn(host, self.services["launcher"]["depends_on"])

    def test_shares_a_key_that_one_service_alone_may_write(self):
        for name, service in self.services.items():
            keys = [v for v in service["volumes"] if v.startswith("keys:")]
            self.assertEqual(keys, [f"keys:{HOME}/.ssh" + ("" if name == "keys" else ":ro")])
        for name in ("node1", "node2"):
            self.assertEqual(self.services[name]["depends_on"]["keys"]["condition"], "service_completed_successfully")

    def test_declares_its_volumes_and_builds_the_image(self):
        used = {volume.split(":")[0] for service in self.services.values() for volume in service["volumes"]}
        self.assertEqual(used, set(self.file["volumes"]))
        for service in self.services.values():
            self.assertTrue((ROOT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).is_file())


class MpiJob(unittest.TestCase):
    def setUp(self):
        documents = list(yaml.safe_load_all((ROOT / "launch" / "mpijob.yaml").read_text()))
        self.kinds = {document["kind"]: document for document in documents}
        self.spec = self.kinds["MPIJob"]["spec"]
        self.pods = {name: replica["template"]["spec"] for name, replica in self.spec["mpiReplicaSpecs"].items()}

    def test_has_the_fields_of_v2beta1_and_no_others(self):
        self.assertEqual(self.kinds["MPIJob"]["apiVersion"], "kubeflow.org/v2beta1")
        self.assertLessEqual(set(self.spec), {"mpiImplementation", "mpiReplicaSpecs", "runPolicy", "slotsPerWorker",
                                              "sshAuthMountPath", "waitForWorkers"})
        self.assertLessEqual(set(self.spec["runPolicy"]), {"activeDeadlineSeconds", "backoffLimit", "cleanPodPolicy",
                                                           "schedulingPolicy", "suspend", "ttlSecondsAfterFinished"})
        self.assertEqual(set(self.pods), {"Launcher", "Worker"})
        self.assertEqual(self.spec["mpiReplicaSpecs"]["Launcher"]["replicas"], 1)
        for replica in self.spec["mpiReplicaSpecs"].values():
            self.assertLessEqual(set(replica), {"replicas", "restartPolicy", "template"})
            for container in replica["template"]["spec"]["containers"]:
                self.assertTrue({"name", "image", "command", "resources"} <= set(container))

    def test_runs_what_the_image_has_as_its_user(self):
        self.assertEqual(self.spec["sshAuthMountPath"], f"{HOME}/.ssh")
        uid = int(re.search(r"--uid (\d+)", IMAGE).group(1))
        for pod in self.pods.values():
            self.assertEqual(pod["securityContext"]["runAsUser"], uid)
            container = pod["containers"][0]
            check_command(self, container["command"] + container.get("args", []))

    def test_gives_a_worker_a_core_for_each_rank_and_keeps_its_results(self):
        worker = self.pods["Worker"]
        container = worker["containers"][0]
        self.assertEqual(container["resources"]["requests"]["cpu"], self.spec["slotsPerWorker"])
        volumes = {volume["name"]: volume for volume in worker["volumes"]}
        self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, set(volumes))
        self.assertEqual(volumes["results"]["persistentVolumeClaim"]["claimName"],
                         self.kinds["PersistentVolumeClaim"]["metadata"]["name"])


if __name__ == "__main__":
    unittest.main()
