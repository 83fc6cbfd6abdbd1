"""The configurations in integrations/ against the programs that read them. Whoever is not installed is skipped by name;
what needs nobody (ports, names, selectors) is held against the configuration of Tocsin beside it."""
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

from certificates import Authority
from neighbours import free_ports
from service import REPOSITORY, Service, run, until

INTEGRATIONS = REPOSITORY / "integrations"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
# systemd's own measure: 0 is locked up, 100 is not at all.
EXPOSURE = 15


def tool(name):
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"SKIPPED: {name} is not installed")
    return found


def told(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def documents(path):
    return [d for d in yaml.safe_load_all((INTEGRATIONS / path).read_text()) if d]


def configuration(path):
    return tomllib.loads((INTEGRATIONS / path).read_text())


def ports(config):
    """Where a configuration listens, by the names that Kubernetes gives them."""
    found = {"http": config["http"]["listen"]}
    for section in ("dicom", "hl7"):
        for key, name in (("listen", section), ("listen_tls", f"{section}-tls")):
            if key in config[section]:
                found[name] = config[section][key]
    return {name: int(address.rsplit(":", 1)[1]) for name, address in found.items()}


# Prometheus and Grafana


def rules():
    return [rule for group in documents("prometheus/tocsin.rules.yml")[0]["groups"] for rule in group["rules"]]


def test_every_rule_says_how_urgent_it_is_and_is_tried():
    tried = (INTEGRATIONS / "prometheus/tocsin.rules.test.yml").read_text()
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
    names = {rule["alert"] for rule in rules()}
    assert len(names) == len(rules())
    # Those that nothing but a wait tells from the ones beside them.
    untried = {name for name in names if name not in tried}
    assert untried == {"TocsinNothingReceived", "TocsinRoutineModelsLate", "TocsinJobsGivenUp"}


def test_promtool_takes_the_rules_and_their_tests():
    promtool, folder = tool("promtool"), INTEGRATIONS / "prometheus"
    told(promtool, "check", "config", folder / "prometheus.yml")
    told(promtool, "test", "rules", folder / "tocsin.rules.test.yml", cwd=folder)


def dashboard():
    return json.loads((INTEGRATIONS / "grafana/tocsin.json").read_text())


def queries():
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def test_panels_have_a_place_of_their_own():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, f"{panel['title']} lies on another"
        taken |= cells


def test_promtool_takes_every_query_of_the_dashboard(tmp_path):
    promtool = tool("promtool")
    plain = [q.replace("$__rate_interval", "5m").replace("$instance", ".*") for q in queries()]
    listed = [{"record": f"tocsin:panel:{number}", "expr": query} for number, query in enumerate(plain)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": listed}]}))
    told(promtool, "check", "rules", file)


def test_metrics_are_served_as_the_rules_expect(service):
    text = service.get("/metrics", token=False, raw=True)[1]
    value = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}
    assert value["tocsin_storage_free_bytes"] > value["tocsin_storage_required_bytes"] == 64 * 2**20
    assert value['tocsin_oldest_alert_seconds{state="raised"}'] == 0
    assert value['tocsin_oldest_job_seconds{lane="ingest"}'] < 60
    assert value['tocsin_connections{kind="dicom_in",state="silent"}'] == 0
    assert "certificate" not in "".join(value), "there is none"


def test_the_certificate_s_end_is_served(tmp_path, another):
    secured = another(tls=Authority(tmp_path / "ca").section())
    text = secured.get("/metrics", token=False, raw=True)[1]
    (line,) = re.findall(r'tocsin_certificate_expiry_timestamp_seconds\{towards="neighbours"\} (\d+)', text)
    status, about = told("openssl", "x509", "-enddate", "-noout", "-in", tmp_path / "ca/tocsin.pem").split("=")
    assert status == "notAfter"
    assert int(line) == int(told("date", "--date", about.strip(), "+%s"))


def test_prometheus_reads_the_service_and_evaluates_every_rule(service, tmp_path):
    prometheus, (port,) = tool("prometheus"), free_ports(1)
    text = (INTEGRATIONS / "prometheus/prometheus.yml").read_text()
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{service.http}").replace("15s", "1s")
    (tmp_path / "prometheus.yml").write_text(text)
    shutil.copy(INTEGRATIONS / "prometheus/tocsin.rules.yml", tmp_path)

    def asked(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=2) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    started = subprocess.Popen(
        [prometheus, f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
         f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        up = until("Prometheus has read the service",
                   lambda: next((t for t in (asked("targets") or {}).get("activeTargets", [])
                                 if t["health"] != "unknown"), None), 20)
        assert up["health"] == "up", up["lastError"]

        def evaluated():
            groups = (asked("rules") or {}).get("groups", [])
            found = [rule for group in groups for rule in group["rules"]]
            return found if found and all(rule["health"] != "unknown" for rule in found) else None

        for rule in until("every rule was evaluated", evaluated, 20):
            assert rule["health"] == "ok", rule
            assert rule["state"] == "inactive", rule
    finally:
        started.kill()
        started.wait()


# systemd


def unit():
    return (INTEGRATIONS / "systemd/tocsin.service").read_text()


@pytest.fixture
def machine(tmp_path):
    """A root that has what the unit names, for systemd to look at."""
    shutil.copytree(INTEGRATIONS / "systemd", tmp_path / "etc/systemd/system", ignore=lambda *_: ["README.md"])
    for program in re.findall(r"^Exec\w+=-?(/\S+)", unit(), re.M):
        file = tmp_path / program[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    return tmp_path


def test_systemd_takes_the_unit_and_finds_it_locked_up(machine):
    analyze = tool("systemd-analyze")
    done = subprocess.run([analyze, "verify", f"--root={machine}", "--man=no", "--recursive-errors=no",
                           "tocsin.service"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "tocsin.service" not in done.stderr, done.stderr
    told(analyze, "security", "--offline=yes", f"--root={machine}", f"--threshold={EXPOSURE}", "tocsin.service")


def test_the_unit_calls_the_program_as_it_wants_to_be_called():
    lines = re.findall(r"^Exec\w+=-?/usr/local/bin/tocsin (\w+) (--\w+) /etc/tocsin/tocsin.toml$", unit(), re.M)
    assert [command for command, _ in lines] == ["check", "migrate", "serve"]
    for command, option in lines:
        assert option in run(command, "--help").stdout
    http = ports(configuration("systemd/tocsin.toml"))["http"]
    assert f"http://127.0.0.1:{http}/readyz" in unit()


def test_the_service_needs_no_call_that_the_unit_forbids(tmp_path):
    """What it asks of the kernel from its start over a message to its end, against systemd's own list."""
    analyze, strace = tool("systemd-analyze"), tool("strace")
    assert "\nSystemCallFilter=@system-service\nSystemCallFilter=~@privileged\n" in unit()

    def calls(group):
        names = [line.strip() for line in told(analyze, "syscall-filter", group).splitlines()[1:]]
        names = [name for name in names if name and name[0] != "#"]
        return set().union(*(calls(name) if name[0] == "@" else {name} for name in names))

    trace = tmp_path / "calls"
    service = Service(tmp_path / "service", launcher=[strace, "-f", "-qq", "-c", "-U", "name", "-o", trace])
    try:
        service.start()
        service.get("/metrics", token=False, raw=True)
        # strace passes the signal on.
        os.killpg(service.process.pid, 15)
        service.process.wait(60)
    finally:
        service.end()
    asked = {line.split()[-1] for line in trace.read_text().splitlines() if re.search(r"\b[a-z_0-9]+\s*$", line)}
    asked -= {"name", "syscall", "total"}
    assert len(asked) > 30, asked
    # SQLite gives its files to who owns the database, if it runs as root.
    assert asked - {"fchown"} <= calls("@system-service") - calls("@privileged")


@pytest.mark.parametrize("sample", ["systemd/tocsin.toml", "kubernetes/base/tocsin.toml"])
def test_tocsin_check_passes_the_sample(sample, tmp_path):
    authority = Authority(tmp_path / "ca").section()
    moved = {
        "DATABASE__URL": f"sqlite://{tmp_path}/tocsin.db", "STORAGE__URL": f"file://{tmp_path}/blobs",
        **({f"TLS__{key.upper()}": str(file) for key, file in authority.items()} if "kubernetes" in sample else {}),
    }
    environment = {**os.environ, **{f"TOCSIN__{key}": value for key, value in moved.items()}}
    checked = run("check", "--config", INTEGRATIONS / sample, env=environment, cwd=REPOSITORY)
    assert checked.returncode == 0, checked.stdout + checked.stderr


# Kubernetes


def manifests():
    found = [d for file in ("base/statefulset", "base/services", "base/networkpolicy", "postgres/postgres")
             for d in documents(f"kubernetes/{file}.yaml")]
    return {(d["kind"], d["metadata"]["name"]): d for d in found}


def test_ports_of_the_manifests_are_those_of_the_configuration():
    config = ports(configuration("kubernetes/base/tocsin.toml"))
    pod = manifests()["StatefulSet", "tocsin"]["spec"]["template"]["spec"]
    service, proxy = pod["containers"]
    assert {p["name"]: p["containerPort"] for p in service["ports"]} == config
    (https,) = proxy["ports"]
    nginx = (INTEGRATIONS / "kubernetes/base/proxy.conf").read_text()
    assert f"listen {https['containerPort']} ssl" in nginx
    assert set(re.findall(r"proxy_pass http://127.0.0.1:(\d+)", nginx)) == {str(config["http"])}
    named = {*config, "https", "postgres"}
    for (kind, name), manifest in manifests().items():
        if kind == "Service":
            assert {port["targetPort"] for port in manifest["spec"]["ports"]} <= named, name


def test_selectors_select_and_policies_let_the_service_reach_its_database():
    found = manifests()
    pods = {name: m["spec"]["template"]["metadata"]["labels"] for (kind, name), m in found.items()
            if kind == "StatefulSet"}

    def selected(selector):
        return [name for name, labels in pods.items() if selector.items() <= labels.items()]

    for name in pods:
        assert selected(found["StatefulSet", name]["spec"]["selector"]["matchLabels"]) == [name]
        assert selected(found["NetworkPolicy", name]["spec"]["podSelector"]["matchLabels"]) == [name]
    for (kind, name), manifest in found.items():
        if kind == "Service":
            wanted = "tocsin-postgres" if "postgres" in name else "tocsin"
            assert selected(manifest["spec"]["selector"]) == [wanted], name
    leaving = [peer["podSelector"]["matchLabels"] for rule in found["NetworkPolicy", "tocsin"]["spec"]["egress"]
               for peer in rule["to"] if "podSelector" in peer]
    assert [selected(labels) for labels in leaving] == [["tocsin-postgres"]]
    (arriving,) = found["NetworkPolicy", "tocsin-postgres"]["spec"]["ingress"]
    assert [selected(peer["podSelector"]["matchLabels"]) for peer in arriving["from"]] == [["tocsin"]]


def test_nothing_in_a_pod_is_root_or_holds_a_secret():
    for (kind, name), manifest in manifests().items():
        if kind != "StatefulSet":
            continue
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            confined = container["securityContext"]
            assert confined["readOnlyRootFilesystem"] and not confined["allowPrivilegeEscalation"], name
            assert confined["capabilities"]["drop"] == ["ALL"]
            for variable in container.get("env", []):
                secret = re.search("PASSWORD|URL|TOKEN", variable["name"])
                assert not secret or "secretKeyRef" in variable["valueFrom"], variable


def test_kustomize_builds_what_kubernetes_takes(tmp_path):
    built = told(tool("kubectl"), "kustomize", INTEGRATIONS / "kubernetes/example")
    assert len([d for d in yaml.safe_load_all(built) if d]) == 11
    if subprocess.run([sys.executable, "-c", "import kubernetes_validate"], capture_output=True).returncode:
        pytest.skip("SKIPPED: kubernetes-validate is not installed; what kustomize builds was not held against the schemas")
    (tmp_path / "all.yaml").write_text(built)
    told(sys.executable, "-m", "kubernetes_validate", "--strict", tmp_path / "all.yaml")


# Engines and archives


@pytest.mark.parametrize("name", ["ehr-to-tocsin", "tocsin-to-ris"])
def test_a_channel_passes_bytes_on_and_answers_with_what_it_was_answered(name):
    channel = ElementTree.parse(INTEGRATIONS / f"oie/{name}.xml").getroot()
    source, (destination,) = channel.find("sourceConnector"), channel.findall("destinationConnectors/connector")
    # ISO 8859-1 has a character for every byte: whatever MSH-18 says goes through unharmed.
    assert {e.text for e in channel.iter("charsetEncoding")} == {"ISO-8859-1"}
    assert {e.text for kind in ("inboundDataType", "outboundDataType") for e in channel.iter(kind)} == {"RAW"}
    answer = source.findtext(".//responseVariable")
    assert answer == f"d{destination.findtext('metaDataId')}"
    # A queue would answer before the other side has.
    assert destination.findtext(".//queueEnabled") == "false"
    port = int(source.findtext(".//listenerConnectorProperties/port"))
    ris = configuration("oie/tocsin.toml")["ris"]
    if name == "tocsin-to-ris":
        assert port == ris["port"]
    else:
        hl7 = tomllib.loads((REPOSITORY / "src/config/defaults.toml").read_text())["hl7"]["listen"]
        assert destination.findtext(".//remotePort") == hl7.rsplit(":", 1)[1]
        assert port != ris["port"]


def entries():
    text = (INTEGRATIONS / "dcm4chee/tocsin.ldif").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for block in "\n".join(lines).split("\n\n"):
        pairs = [line.split(": ", 1) for line in block.strip().splitlines()]
        if pairs:
            assert all(len(pair) == 2 for pair in pairs), block
            yield pairs


def test_entries_for_the_archive_s_directory_refer_to_each_other():
    found = list(entries())
    names = [pairs[0][1] for pairs in found]
    assert len(set(names)) == len(names) > 8
    config = tomllib.loads((REPOSITORY / "src/config/defaults.toml").read_text())
    for pairs in found:
        assert pairs[0][0] == "dn" and pairs[1] == ["changetype", "add"], pairs
        key, value = pairs[0][1].split(",", 1)[0].split("=", 1)
        assert [key, value] in pairs, f"{pairs[0][1]} does not repeat its own name"
        parent = pairs[0][1].split(",", 1)[1]
        if parent.startswith("dicomDeviceName=tocsin"):
            assert parent in names[: names.index(pairs[0][1])], f"{parent} comes later"
        for attribute, text in pairs:
            if attribute == "dicomNetworkConnectionReference":
                assert text in names, text

    def of(attribute):
        return [text for pairs in found for key, text in pairs if key == attribute]

    assert of("dicomPort") == [str(ports(config)[name]) for name in ("dicom", "hl7")]
    assert set(of("hl7FwdApplicationName")) <= set(of("hl7ApplicationName"))
    assert set(of("dcmURI")) == {f"dicom:{config['dicom']['ae_title']}"}
