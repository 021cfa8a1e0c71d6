# cpu.Dockerfile: sterna and its launchers on Debian 12, for a user who is not root. README.md says how to use it.
#     docker build -f docker/cpu.Dockerfile -t sterna:cpu .
# BASE names another image of Debian 12; DATA the data sets' packages that come along ("" for none).
ARG BASE=debian:12-slim

FROM ${BASE} AS build
WORKDIR /src
# Packages first, and no more than the build reads: the rest may change, and this stage is taken from the cache.
COPY launch/setup.sh launch/
RUN launch/setup.sh
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY configs configs
COPY include include
COPY runtime runtime
COPY compressors compressors
COPY models models
COPY library library
COPY packaging packaging
COPY tests tests
COPY launch/build.sh launch/
RUN launch/build.sh release sterna && strip build/release/sterna

FROM ${BASE}
ARG DATA=dataset-fashion-mnist
# ssh_host_*: a key that is in an image is no secret.
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      openmpi-bin libdnnl2 libfftw3-single3 libopenblas0-openmp libtomlplusplus3 libturbojpeg0 libxxhash0 \
      iproute2 openssh-client openssh-server ${DATA} \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /etc/ssh/ssh_host_*
RUN useradd --create-home --uid 1000 --shell /bin/bash sterna \
    && install -d -o sterna -g sterna -m 700 /home/sterna/.ssh /home/sterna/results
COPY docker/ssh_config /etc/ssh/ssh_config.d/sterna.conf
COPY docker/sshd_config /etc/sterna/sshd_config
COPY docker/node.sh /usr/local/bin/sterna-node
COPY --from=build /src/build/release/sterna /usr/local/bin/sterna
COPY launch /opt/sterna/launch
COPY configs /opt/sterna/configs
# A container's ranks may not read each other's memory (process_vm_readv), which Open MPI otherwise does for long messages.
# mpirun hands the setting on to the other nodes.
ENV STERNA=/usr/local/bin/sterna OMPI_MCA_btl_vader_single_copy_mechanism=none
USER sterna
WORKDIR /opt/sterna
CMD ["sterna", "--help"]
