# The whole product is one binary; `docker build --build-arg BIKELEASE_COMMIT=$(git rev-parse HEAD) .`

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# For GET /version; the history is not part of the image.
ARG BIKELEASE_COMMIT=unknown
# Dependencies stay compiled between builds.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    BIKELEASE_COMMIT="$BIKELEASE_COMMIT" cargo build --release --locked --bin bikelease \
    && cp target/release/bikelease /usr/local/bin/bikelease

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/bikelease bikelease
COPY --from=build /usr/local/bin/bikelease /usr/local/bin/bikelease
USER bikelease
WORKDIR /var/lib/bikelease
ENV BIKELEASE_ENV=production \
    BIKELEASE_HOST=0.0.0.0 \
    BIKELEASE_DATA_DIR=/var/lib/bikelease
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["bikelease", "healthcheck"]
ENTRYPOINT ["bikelease"]
CMD ["serve"]
