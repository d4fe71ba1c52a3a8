# The server, by default on a CPU: neither PyTorch nor root, nothing from the network while it runs,
# and nothing written but to /tmp. docs/deployment.md
ARG BASE=debian:12-slim

FROM ${BASE} AS build
# With "serve,gpu" it runs on a GPU as well and takes 5.5 GB more.
ARG EXTRAS=serve
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv
COPY . /src
# Left out is what the server never opens: pip, tests of other packages, OpenCV's cascades, ONNX
# Runtime's library for C (Python's module has all of it inside) and its tools.
RUN python3 -m venv /opt/ocr-plugin \
    && /opt/ocr-plugin/bin/pip install --no-cache-dir "/src[${EXTRAS}]" \
    && /opt/ocr-plugin/bin/pip uninstall -y setuptools pip \
    && cd /opt/ocr-plugin/lib/python3*/site-packages \
    && rm -rf cv2/data onnxruntime/capi/libonnxruntime.so.* onnxruntime/transformers \
    && find . -type d -name tests -prune -exec rm -rf {} +

FROM ${BASE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --uid 10001 --no-create-home --home-dir /tmp ocr
COPY --from=build /opt/ocr-plugin /opt/ocr-plugin
ENV PATH=/opt/ocr-plugin/bin:$PATH \
    OCR_PLUGIN_CACHE=/tmp/ocr-plugin \
    OCR_PLUGIN_OFFLINE=1
USER ocr
EXPOSE 8000
HEALTHCHECK --start-period=20s CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v1/health', timeout=5)"]
ENTRYPOINT ["ocr-plugin"]
CMD ["serve", "--host", "0.0.0.0"]
