"""The stand-ins come, go, and say what the documentation of boards says."""

from __future__ import annotations

import gc
import socket
import sys
import time
from pathlib import Path

import pytest

from alloy_devices.errors import ShimError
from alloy_devices.shims import Board, BoardResetError, FakeClock
from alloy_devices.shims.micropython import MACHINE_CODE
from alloy_devices.shims.network import JOIN_US


def test_everything_is_as_before_when_the_board_is_left(tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text("import machine, time\nticks = time.ticks_ms\n")
    before, path = dict(sys.modules), list(sys.path)

    with Board(folder=tmp_path, clock=FakeClock()):
        import kept
        import ustruct

        assert kept.time is not time
        assert kept.time.monotonic is time.monotonic
        assert ustruct.calcsize("<H") == 2
    after = dict(sys.modules)

    assert {name for name in after if name not in before} == set()
    assert all(after[name] is before[name] for name in before)
    assert sys.path == path
    assert not hasattr(sys, "print_exception")
    assert not hasattr(time, "ticks_ms")
    assert not hasattr(gc, "mem_free")
    assert not hasattr(socket.socket, "readinto")
    assert kept.ticks() > 0  # what was kept goes by the real clock now


def test_everything_is_as_before_when_the_program_fails() -> None:
    before = dict(sys.modules)

    with pytest.raises(KeyError), Board():
        raise KeyError

    assert dict(sys.modules) == before


def test_other_programs_find_all_of_a_module_when_they_import_it_while_a_board_is_there() -> None:
    with Board():
        import gc as board_gc
        import socket as board_socket
        import time as board_time

    for real, stands_in in ((gc, board_gc), (socket, board_socket), (time, board_time)):
        assert stands_in is not real
        assert {name for name in vars(real) if not name.startswith("__")} <= vars(stands_in).keys()
        assert getattr(stands_in, "__all__", None) == getattr(real, "__all__", None)


def test_a_second_board_is_refused_when_one_is_installed() -> None:
    with Board(), pytest.raises(ShimError) as caught, Board():
        pass

    assert caught.value.code == "board.installed"
    with Board():
        pass


def test_who_and_why_are_the_boards_when_they_are_asked() -> None:
    with Board(unique_id=b"\x01\x02", reset_cause=3):
        import machine

        assert machine.unique_id() == b"\x01\x02"
        assert machine.reset_cause() == machine.WDT_RESET
    with Board():
        import machine

        assert len(machine.unique_id()) == 6
        assert machine.reset_cause() == machine.PWRON_RESET


def test_pins_keep_their_level_when_they_are_made_again() -> None:
    with Board() as board:
        from machine import Pin

        wake = Pin(4, Pin.OUT, value=1)
        assert wake.value() == Pin(4).value() == 1
        Pin(4).off()
        assert Pin(4, Pin.IN).value() == 0
        Pin(4).value(1)
        Pin("LED", Pin.IN, Pin.PULL_UP).on()

    assert {name: pin.value() for name, pin in board.pins.items()} == {4: 1, "LED": 1}


def test_the_watchdog_resets_the_board_when_it_is_fed_too_late() -> None:
    with Board(clock=FakeClock()):
        import time as board_time

        import machine

        watchdog = machine.WDT(timeout=8000)
        board_time.sleep_ms(8000)
        watchdog.feed()
        board_time.sleep_ms(8001)
        with pytest.raises(BoardResetError, match="1 ms late"):
            watchdog.feed()
        with pytest.raises(SystemExit, match="the program asked for it"):
            machine.reset()


def test_a_station_joins_when_the_network_and_its_key_are_right() -> None:
    clock = FakeClock()
    with Board(clock=clock, networks={"field": "secret"}):
        import network

        wlan = network.WLAN(network.STA_IF)
        with pytest.raises(OSError, match="not active"):
            wlan.connect("field", "secret")
        assert wlan.active(True)
        assert wlan.status() == network.STAT_IDLE
        wlan.connect("field", "secret")
        assert (wlan.status(), wlan.isconnected()) == (network.STAT_CONNECTING, False)
        assert wlan.ifconfig()[0] == "0.0.0.0"
        clock.sleep_us(JOIN_US)
        assert (wlan.status(), wlan.isconnected()) == (network.STAT_GOT_IP, True)
        assert wlan.ifconfig()[0].count(".") == 3
        wlan.disconnect()
        assert not wlan.isconnected()


@pytest.mark.parametrize(
    ("ssid", "key", "state"),
    [
        ("other", "secret", "STAT_NO_AP_FOUND"),
        ("field", "wrong", "STAT_WRONG_PASSWORD"),
        ("field", None, "STAT_WRONG_PASSWORD"),
    ],
)
def test_a_station_says_why_when_it_cannot_join(ssid: str, key: str | None, state: str) -> None:
    clock = FakeClock()
    with Board(clock=clock, networks={"field": "secret"}):
        import network

        wlan = network.WLAN()
        wlan.active(True)
        wlan.connect(ssid, key)
        clock.sleep_us(JOIN_US)
        assert wlan.status() == getattr(network, state)
        wlan.active(False)
        assert wlan.status() == network.STAT_IDLE


def test_an_access_point_is_refused_when_it_is_asked_for() -> None:
    with Board():
        import network

        with pytest.raises(ShimError) as caught:
            network.WLAN(1)

    assert caught.value.code == "board.refused"


@pytest.mark.parametrize("name", MACHINE_CODE)
def test_machine_code_is_refused_when_a_program_asks_for_it(name: str) -> None:
    with Board():
        import micropython

        with pytest.raises(ShimError, match="wrap around") as caught:
            getattr(micropython, name)
        assert not hasattr(micropython, "mem_info")

    assert caught.value.code == "board.refused"
