# cuda.Dockerfile: docker/cpu.Dockerfile's image with the program built for NVIDIA's GPUs, and NCCL. README.md says how to use it.
#     docker build -f docker/cpu.Dockerfile --target build -t sterna:build . && docker build -f docker/cpu.Dockerfile -t sterna:cpu .
#     docker build -f docker/cuda.Dockerfile -t sterna:cuda .
# TOOLKIT names an image with nvcc (12.8 or newer, in /usr/local/cuda-CUDA) and NCCL; CPU and BUILD those of the first line.
ARG TOOLKIT=nvidia/cuda:13.0.0-devel-ubuntu24.04
ARG BUILD=sterna:build
ARG CPU=sterna:cpu

FROM ${TOOLKIT} AS toolkit

FROM ${BUILD} AS build
ARG CUDA=13.0
# The toolkit's 5 GB stay where they are. Its compiler uses this image's g++, for the libraries of the final image.
COPY --from=toolkit /usr/include/nccl*.h /usr/include/
COPY --from=toolkit /usr/lib/x86_64-linux-gnu/libnccl.so* /usr/lib/x86_64-linux-gnu/
RUN --mount=type=bind,from=toolkit,source=/usr/local/cuda-${CUDA},target=/usr/local/cuda \
    cmake --preset release -DSTERNA_CUDA=ON \
    && cmake --build --preset release --target sterna && strip build/release/sterna

FROM ${CPU}
USER root
COPY --from=build /usr/lib/x86_64-linux-gnu/libnccl.so.2* /usr/lib/x86_64-linux-gnu/
COPY --from=build /src/build/release/sterna /usr/local/bin/sterna
RUN ldconfig
# The driver and /dev/nvidia* come from the host, by NVIDIA's container toolkit (docker run --gpus all).
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER sterna
