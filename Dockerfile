# The service as an ordinary user, on a root file system that may be read-only:
#   docker build -t digitscope .
#   docker run --read-only --cap-drop=ALL -p 127.0.0.1:8000:8000 -e DIGITSCOPE_API_KEY digitscope
# Or a node of a Ray cluster for batches (docs/howto/batch.md):
#   docker build --build-arg EXTRA=batch --build-arg ALSO="ray[default] s3fs" -t digitscope-batch .
# EXTRA is an extra of pyproject.toml, or several: serve,figures
ARG EXTRA=serve
ARG ALSO=""
FROM python:3.12-slim AS build
ARG EXTRA
ARG ALSO
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --prefix=/install ".[$EXTRA]" $ALSO

FROM python:3.12-slim
ARG EXTRA
# KubeRay asks nodes how they are with wget.
RUN if [ "$EXTRA" = batch ]; then \
        apt-get update && apt-get install -y --no-install-recommends wget \
        && rm -rf /var/lib/apt/lists/*; \
    fi
COPY --from=build /install /usr/local
USER 10001:10001
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz')"]
ENTRYPOINT ["digitscope", "serve", "--host", "0.0.0.0"]
