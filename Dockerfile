# docker build -t np360 .   then   docker run --rm -v "$PWD:/work" np360 bench all
# One stage: gcc builds the hashes' assembly and what `--device emu` runs, git tells the commit that a manifest names.
FROM rust:1.95.0-bookworm
ENV RUSTUP_TOOLCHAIN=1.95.0
COPY . /np360
RUN cd /np360 && cargo build --release --locked --package np360-xtask
WORKDIR /work
ENTRYPOINT ["/np360/target/release/np360-xtask"]
CMD ["--help"]
