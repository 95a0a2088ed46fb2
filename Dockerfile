# The service as an ordinary user, on a root file system that may be read-only:
#   docker build -t digitscope .
#   docker run --read-only --cap-drop=ALL -p 127.0.0.1:8000:8000 -e DIGITSCOPE_API_KEY digitscope
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --prefix=/install '.[serve]'

FROM python:3.12-slim
COPY --from=build /install /usr/local
USER 10001:10001
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz')"]
ENTRYPOINT ["digitscope", "serve", "--host", "0.0.0.0"]
