# syntax=docker/dockerfile:1
# The operator's image: the program and its licences, for linux/amd64 and linux/arm64.
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD) .
# Where no build stage is wanted, a folder with out/ as the stage leaves it stands in: --build-context build=FOLDER.

# Compiles on the machine that builds, for the one that runs.
FROM --platform=$BUILDPLATFORM rust:1.95-bookworm AS build
ARG TARGETARCH
RUN apt-get update && apt-get install -y --no-install-recommends clang && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=target-$TARGETARCH \
    scripts/image-program.sh "$TARGETARCH" /out

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="filing-operator" \
      org.opencontainers.image.description="Makes the ICP filing (备案) of a domain a fact that a Kubernetes cluster knows" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /out/ /
USER 65532:65532
ENTRYPOINT ["/filing-operator"]
CMD ["run"]
