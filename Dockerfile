# Two stages: what installs does not serve.
FROM python:3.13-slim AS build
COPY requirements.lock /
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r /requirements.lock

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin soporteplus
WORKDIR /srv/soporteplus
COPY --from=build /opt/venv /opt/venv
COPY run.py gunicorn.conf.py ./
COPY config config
COPY migrations migrations
COPY app app
ENV PATH=/opt/venv/bin:$PATH \
    FLASK_ENV=production \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
RUN install -d -m 700 -o 10001 -g 10001 /var/lib/soporteplus
ENV STORAGE_URL=file:///var/lib/soporteplus/adjuntos
VOLUME /var/lib/soporteplus
USER 10001
EXPOSE 5000
# Whether the process lives. Whether it is ready, /health/ready tells who balances the load.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:5000/health', timeout=2)"]
# SIGTERM lets gunicorn answer what is in flight; migrations are a step of their own: flask --app run db upgrade.
CMD ["gunicorn", "-b", "0.0.0.0:5000"]
