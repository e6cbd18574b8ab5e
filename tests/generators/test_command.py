"""Any program generates: its arguments arrive letter by letter, and its failures have reasons."""

from __future__ import annotations

import json
import sys
import time

import psutil
import pytest

from mirabench.errors import GeneratorError, InputError, MirabenchError
from mirabench.generators.command import Command
from mirabench.generators.run import generate_all
from mirabench.inputs.prompts import Prompt

ECHO = "import json, sys; open(sys.argv[-1], 'w').write(json.dumps(sys.argv[1:]))"


def command(code: str, arguments: str = "{prompt} {output}") -> Command:
    return Command(f'"{sys.executable}" -c "{code}" {arguments}')


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        'it\'s "quoted"; rm -rf $HOME && `true` | cat > x',
        "a {seed} of {output} and {prompt}",
        "two\nlines, *.mp4, ~ and a \\ backslash",
        "ünïcödé 日本 🎬",
    ],
)
def test_a_prompt_arrives_letter_by_letter_through_no_shell(text, tmp_path):
    output = tmp_path / "a file.mp4"
    generator = command(ECHO, "--prompt={prompt} {id} {seed} {output}")
    generator.generate(Prompt("scene/short", text), seed=7, output=output)
    assert json.loads(output.read_text()) == [f"--prompt={text}", "scene/short", "7", str(output)]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; print('loading'); sys.exit('no such style')", "exit code 1: no such style"),
        ("import sys; sys.exit(4)", "exit code 4: it printed nothing"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL: it printed nothing"),
    ],
    ids=["message", "silent", "killed"],
)
def test_a_failing_program_is_quoted(code, says, tmp_path):
    with pytest.raises(GeneratorError) as error:
        command(code).generate(Prompt("a", "a"), seed=0, output=tmp_path / "a.mp4")
    assert str(error.value).endswith(f"ended with {says}")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("render {output}", "it needs {prompt}"),
        ("render {prompt}", "it needs {output}"),
        ("render '{prompt} {output}", "No closing quotation"),
    ],
)
def test_a_template_that_cannot_work_is_refused_at_once(template, says):
    with pytest.raises(InputError, match=says):
        Command(template)


def test_a_program_that_is_not_there_ends_the_run(tmp_path):
    with pytest.raises(MirabenchError, match="there is no program 'absent-renderer'"):
        generate_all(Command("absent-renderer {prompt} {output}"), [Prompt("a", "a")], tmp_path)


def test_a_hanging_program_is_stopped_with_all_that_it_started(tmp_path):
    pids = tmp_path / "pids"
    hang = "import threading; threading.Event().wait()"
    code = (
        "import os, subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', '{hang}']); "
        f"open('{pids}', 'w').write(str(os.getpid()) + ' ' + str(child.pid)); child.wait()"
    )
    outcome = generate_all(command(code), [Prompt("a", "a")], tmp_path / "run", timeout=2)
    assert outcome.failed[0].why.startswith("stopped after 2 s")
    limit = time.monotonic() + 20
    started = [int(pid) for pid in pids.read_text().split()]
    while any(_alive(pid) for pid in started):
        assert time.monotonic() < limit, "a program outlived its run"
        time.sleep(0.02)
    assert len(started) == 2


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_manifest_names_template_and_revision():
    template = "render {prompt} {output}"
    assert Command(template, revision="v2").describe() == {"revision": "v2", "template": template}


def test_the_bundled_renderer_films_what_the_camera_words_say(tmp_path):
    from mirabench.inputs.prompts import read_prompts
    from mirabench.run.evaluate import evaluate

    scene = read_prompts("smoke")["object-12/structured"]
    found = {}
    for name, text in {"obedient": "{prompt}", "deaf": "{id}"}.items():
        code = f"{text} --seed {{seed}} --output {{output}} --frames 48"
        template = f"{{python}} -m mirabench.testing.render_prompt --prompt {code}"
        outcome = generate_all(Command(template), [scene], tmp_path / name, timeout=60)
        assert not outcome.failed
        report = evaluate([outcome.manifest], metrics=["camera_motion_agreement"], cache=False)
        found[name] = report.videos[0].scores["camera_motion_agreement"].value
    assert found["obedient"] > 0.8
    assert found["deaf"] < 0.3
