"""A proxy that ends TLS, as integrations/ configures it, before the real service: pages, the stream of changes, large bodies,
and who is taken for the caller."""
import http.client
import json
import socket
import ssl
import subprocess

import pytest

from certificates import Authority
from neighbours import free_ports
from service import Service, until
from test_integrations import INTEGRATIONS, told, tool

NAME = "tocsin.hospital.example"


def nginx(program, folder):
    """The command that starts it with the site of the folder, which it has looked at."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ {temporary} access_log off; include {folder}/site.conf; }}\n")
    command = [program, "-p", folder, "-c", folder / "nginx.conf"]
    told(*command, "-t")
    return command


class Named(http.client.HTTPSConnection):
    """Calls this machine by the name that it is asked for."""

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)


class Proxy:
    """A program in a folder of its own that speaks TLS on `port`."""

    def __init__(self, folder, name, service):
        self.folder, self.program = folder, tool(name)
        self.authority = Authority(folder / "ca")
        self.certificate, self.key = self.authority.sign("proxy")
        self.port, self.plain = free_ports(2)
        command, environment = getattr(self, name)(f"127.0.0.1:{service.http}")
        with (folder / "proxy.log").open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        until(f"{name} listens", self.listens, 20)

    def changed(self, sample, changes):
        text = (INTEGRATIONS / sample).read_text()
        for old, new in changes.items():
            assert old in text, f"{sample} has no {old}"
            text = text.replace(old, str(new))
        return text

    def nginx(self, service):
        site = self.changed("nginx/tocsin.conf", {
            "127.0.0.1:8080": service, "listen 443": f"listen 127.0.0.1:{self.port}", "listen 80": f"listen 127.0.0.1:{self.plain}",
            "    listen [::]:443 ssl http2;\n": "", "    listen [::]:80;\n": "", "/var/log/nginx": self.folder,
            "/etc/nginx/tls/tocsin.pem": self.certificate, "/etc/nginx/tls/tocsin.key": self.key,
        })
        (self.folder / "site.conf").write_text(site)
        return nginx(self.program, self.folder), None

    def caddy(self, service):
        site = self.changed("caddy/Caddyfile", {
            f"\n{NAME} {{": f"\nhttps://{NAME}:{self.port} {{\n\tbind 127.0.0.1\n\ttls {self.certificate} {self.key}",
            "127.0.0.1:8080": service,
        })
        file = self.folder / "Caddyfile"
        file.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n\tgrace_period 1s\n}\n" + site)
        home = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        command = [self.program, "run", "--config", file, "--adapter", "caddyfile"]
        return [*map(str, command)], home

    def listens(self):
        assert self.process.poll() is None, (self.folder / "proxy.log").read_text()
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def connection(self):
        """Under TLS, by the name of the site; the certificate is believed, and names another machine."""
        context = ssl.create_default_context(cafile=self.authority.file)
        context.check_hostname = False
        return Named(NAME, self.port, timeout=10, context=context)

    def ask(self, method, path, body=None, **headers):
        made = self.connection()
        made.request(method, path, body=body, headers={"Host": NAME, **headers})
        answer = made.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(params=["nginx", "caddy"], scope="module")
def proxied(request, tmp_path_factory):
    """The proxy, and the service behind it, which believes it."""
    tool(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    empty = folder / "models"
    empty.mkdir()
    http = {"public_url": f"https://{NAME}", "trusted_proxies": ["127.0.0.1"]}
    service = Service(folder / "service", http=http, inference={"models": empty}, auth={"attempts_per_minute": 3}).start()
    try:
        proxy = Proxy(folder, request.param, service)
        yield proxy, service
        proxy.stop()
    finally:
        service.end()


def test_pages_come_under_tls_and_metrics_do_not(proxied):
    proxy, _ = proxied
    status, headers, page = proxy.ask("GET", "/sign-in")
    assert status == 200 and b"<html" in page
    assert {k.lower(): v for k, v in headers.items()}["strict-transport-security"] == "max-age=31536000"
    assert proxy.ask("GET", "/metrics")[0] == 404


def test_changes_come_through_at_once(proxied):
    proxy, service = proxied
    made = proxy.connection()
    made.request("GET", "/live", headers={"Host": NAME, "Authorization": f"Bearer {service.token}"})
    answer = made.getresponse()
    assert answer.status == 200 and answer.getheader("Content-Type") == "text/event-stream"
    # The first words are there although the answer never ends; held back, they would be waited for in vain.
    first = answer.readline()
    assert first.startswith(b"retry:"), first
    # An open stream would keep the proxy from ending.
    answer.close()
    made.close()


def test_a_large_body_is_refused_by_the_service_and_not_by_the_proxy(proxied):
    proxy, service = proxied
    body = json.dumps({"name": "x" * 1_500_000, "role": "service"}).encode()
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}
    status, said, words = proxy.ask("POST", "/api/v1/tokens", body, **headers)
    assert status == 413 and "problem+json" in {k.lower(): v for k, v in said.items()}["content-type"], (status, words[:200])


def test_whoever_calls_cannot_pretend_to_be_somebody_else(proxied):
    """Failed sign-ins are counted by address: a made-up one in each request changes nothing."""
    proxy, _ = proxied
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://{NAME}"}
    statuses = [proxy.ask("POST", "/sign-in", "token=wrong", **form, **{"X-Forwarded-For": f"10.9.9.{n}"})[0] for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_nginx_takes_the_proxy_of_the_pod(tmp_path):
    program, (port,) = tool("nginx"), free_ports(1)
    certificate, key = Authority(tmp_path / "ca").sign("proxy")
    site = (INTEGRATIONS / "kubernetes/base/proxy.conf").read_text().replace("listen 8443", f"listen 127.0.0.1:{port}")
    site = site.replace("/etc/tls/tls.crt", str(certificate)).replace("/etc/tls/tls.key", str(key))
    (tmp_path / "site.conf").write_text(site)
    nginx(program, tmp_path)
