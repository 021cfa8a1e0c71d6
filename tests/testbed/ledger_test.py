"""The bytes in the logs against those that the network cards counted, through every compressor, on two hosts and on four,
and with two ranks a host.

The model, for each host, of one rank or two; d is a long run's number less a short one's, so that start-up, evaluation
and end cancel out:

  card     tx_bytes = 66 tx_packets + what TCP carried
           A packet has 14 bytes of Ethernet, 20 of IP and 32 of TCP (with time stamps) before its data. A packet that is
           left whole for the card to cut has them once, and counts as one packet: so this holds however data is cut.
           Acknowledgements without data are packets too, and carry nothing.
  again    Nothing is lost on these links, but on a busy machine an acknowledgement may come so late that the kernel sends
           a segment a second time (RetransSegs counts them). Each may carry 1448 bytes, and its acknowledgement 52 bytes
           or less of TCP options more: 1500 bytes in the long run's favour, or in the short one's. What a host receives
           again, some other host has sent again.
  TCP      d carried = d network_bytes_sent + Open MPI's own bytes: never less, and at most
           64 bytes for each block that the rank sends (the headers of ob1's match and of the TCP transport), and
           512 bytes for each full 64 KiB that it sends or receives: longer blocks go in fragments, each with a header,
           and sender and receiver first agree on each (RNDV, ACK, PUT, FIN).
  blocks   of a step, from each rank of the host to each on other hosts, or fewer where one rank speaks for its host: the learner's score; the length and the message of gathered payloads, or a
           leader's indices: 4 at most, and 2 more of a sparse sum, whose messages travel to owners and back; and of each
           sum two for each piece of 1 MiB: the bucket's, and those of what travels dense beside compressed layers.
  the rest 4096 bytes: ARP (42 bytes instead of 66 and data), mpirun's talk, two runs' starts that are not quite alike.

The same with rx_bytes and network_bytes_received. With one rank a host, all wire bytes are the network's.
"""
import json
import subprocess
import unittest

from support import ENVIRONMENT, SCRIPT, TestCase, require_root, testbed

setUpModule = require_root

STERNA = ENVIRONMENT["STERNA"]
SHORT, LONG = 2, 22  # steps
DENSE_BYTES = 4 * 582026  # lenet
HEADER_BYTES = 14 + 20 + 32

COMPRESSORS = [c["name"] for c in json.loads(
    subprocess.run([STERNA, "list", "--json"], capture_output=True, text=True, check=True).stdout)["compressors"]]
# Each way in which a gradient can travel: a name, a compressor, and more flags.
CASES = [(name, name, []) for name in COMPRESSORS]
SPARSE_SUMS = [(f"{name}-sparse-sum", name, ["--gather", "sparse-sum"]) for name in ("adacomp", "dryden", "ls", "strom", "topk")]
CASES += SPARSE_SUMS
# On more hosts: one of each way to travel.
ONE_OF_EACH = [case for case in CASES if case[0] in ("none", "fp16", "randomk", "scalecom", "adacomp", "topk-sparse-sum")]
# With two ranks a host: those that differ in how they go through a host's speaker.
SHARED_HOST_CASES = [(f"{name}-{hierarchy}", name, ["--hierarchy", hierarchy])
                     for name in ("none", "fp16", "topk", "scalecom") for hierarchy in ("host", "flat")]
SHARED_HOST_CASES += [(name, compressor, flags + ["--hierarchy", "host"]) for name, compressor, flags in SPARSE_SUMS[:1]]

COUNTERS = """cd /sys/class/net/eth0/statistics && cat tx_bytes tx_packets rx_bytes rx_packets &&
awk '/^Tcp:/ { if (!seen++) { for (i = 1; i <= NF; ++i) if ($i == "RetransSegs") at = i } else print $at }' /proc/net/snmp"""


def counters(host):
    """What the card has carried for TCP since the host came up, and the segments sent again."""
    output = testbed("exec", host, "sh", "-c", COUNTERS).stdout
    sent, packets_sent, received, packets_received, again = map(int, output.split())
    return {"sent": sent - HEADER_BYTES * packets_sent, "received": received - HEADER_BYTES * packets_received,
            "again": again}


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Ledger(TestCase):
    def carried(self, case, hosts, ranks_per_host, steps):
        """By host: what the cards counted during a run, and what its logs say."""
        name, compressor, flags = case
        names = [f"host{i}" for i in range(hosts)]
        logs = self.directory / f"{name}-{hosts}-{steps}"
        before = {host: counters(host) for host in names}
        result = testbed("run", "-np", hosts * ranks_per_host, STERNA, "train", "--data", "synthetic", "--batch", 2, "--steps", steps, "--eval-every", steps,
                         "--compressor", compressor, "--rate", 40, "--progress", "off", "--log-dir", logs, *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        card = {host: {key: value - before[host][key] for key, value in counters(host).items()} for host in names}
        ranks = rows(logs / "ranks.jsonl")
        self.assertEqual([row["host"] for row in ranks], [name for name in names for _ in range(ranks_per_host)])
        log = {name: {way: sum(row[f"network_bytes_{way}"] for row in ranks if row["host"] == name)
                      for way in ("sent", "received")} for name in names}
        if ranks_per_host == 1:
            self.assertEqual([row["network_bytes_sent"] for row in ranks], [row["wire_bytes_sent"] for row in ranks])
        for row in rows(logs / "steps.jsonl"):
            self.assertEqual(row["wire_bytes_sent"], sum(row[f"{part}_bytes"] for part in
                                                         ("value", "index", "header", "padding", "forwarded", "control")))
        return card, log

    def check_case(self, case, hosts, ranks_per_host):
        (short_card, short_log), (long_card, long_log) = (
            self.carried(case, hosts, ranks_per_host, steps) for steps in (SHORT, LONG))
        name, _, flags = case
        pieces = -(-DENSE_BYTES // 2**20)
        pairs = ranks_per_host * (hosts - 1) * ranks_per_host
        blocks = (LONG - SHORT) * pairs * (4 + (2 if "sparse-sum" in flags else 0) + 2 * pieces + 2)
        for host in long_log:
            log = {way: long_log[host][way] - short_log[host][way] for way in ("sent", "received")}
            fragments = log["sent"] // 2**16 + log["received"] // 2**16
            most = 64 * blocks + 512 * fragments + 4096
            for way in ("sent", "received"):
                card = long_card[host][way] - short_card[host][way]
                again_short, again_long = (1500 * sum(c["again"] for sender, c in run.items()
                                                      if way == "received" or sender == host)
                                           for run in (short_card, long_card))
                print(f"{name:18} {hosts} hosts, {host} {way:8}: log {log[way]:9}, card {card:9}, "
                      f"more {card - log[way]:6}, at most {most:6} and again {again_long:6}", flush=True)
                self.assertGreaterEqual(card, log[way] - again_short)
                self.assertLessEqual(card, log[way] + most + again_long)
        # Over all hosts, what is sent is what is received: in the logs to the byte.
        for log in (short_log, long_log):
            self.assertEqual(sum(row["sent"] for row in log.values()), sum(row["received"] for row in log.values()))

    def check_all(self, cases, hosts, ranks_per_host):
        self.up(hosts, "none")
        for case in cases:
            with self.subTest(case=case[0], hosts=hosts):
                self.check_case(case, hosts, ranks_per_host)

    def test_two_hosts(self):
        self.check_all(CASES, hosts=2, ranks_per_host=1)

    def test_four_hosts(self):
        self.check_all(ONE_OF_EACH, hosts=4, ranks_per_host=1)

    def test_two_ranks_on_each_of_two_hosts(self):
        self.check_all(SHARED_HOST_CASES, hosts=2, ranks_per_host=2)


if __name__ == "__main__":
    unittest.main()
