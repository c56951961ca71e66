#!/usr/bin/env python3
"""Writes dateutil.zlib: random recurrence rules with python-dateutil's answers (pip install python-dateutil==2.9.0.post0 tzdata).

Each line has, separated by tabs: timezone, start, rule, exdates, rdates, end of what was looked at, and up to 10 occurrences. For a
start with a time, an occurrence is the seconds of its instant since 1970; for a date, the seconds of midnight UTC of its day. The seed
is fixed, so each run writes the same file.

dateutil reads some rules differently from us. Either they are not made here, or dateutil is asked for what we mean:
- BYWEEKNO without a day means the weekday of the start (as libical has it). dateutil would take all seven days.
- With BYWEEKNO, INTERVAL and BYSETPOS count years of weeks. dateutil counts calendar years. Not made.
- BYWEEKNO=-52 can be week 1, of which dateutil then forgets the days before the year. Not made.
- BYWEEKNO=53: for the first days of a year, dateutil computes the number of weeks of the year before with the length of the wrong
  year. Not made; libical's vectors have it.
- BYSETPOS of a weekly rule selects from the whole week. dateutil selects from the start on. Made only with a start on WKST.
- BYDAY with both plain and numbered weekdays is the union of both. dateutil takes the intersection. Not made.
- UNTIL without a time includes the whole day. dateutil is asked for the end of the day.
- The start is occurrence 1 also if the rule does not fit it, so COUNT is one less for dateutil then.
- The rule is expanded on the wall clock. A time in a gap of the clocks is the first instant after it, of a time that occurs twice
  the first counts, and an occurrence that is not later than the one before it is dropped.
"""

import datetime as calendar
import random
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from dateutil import rrule

COUNT = 5000
SHOWN = 10
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "UTC",
         "America/St_Johns", "Asia/Kathmandu", "Africa/Johannesburg", "America/Havana", "Australia/Sydney"]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
HORIZON = {"YEARLY": 40, "MONTHLY": 20, "WEEKLY": 8, "DAILY": 5, "HOURLY": 1}
UTC = timezone.utc


def some(random, values, most):
    values = list(values)
    return random.sample(values, random.randint(1, min(most, len(values))))


def signed(random, largest, most):
    return some(random, [n for n in range(-largest, largest + 1) if n != 0], most)


def make(random):
    """One random rule: its parts, and the start."""
    is_date = random.random() < 0.3
    freq = random.choice(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"] + ([] if is_date else ["HOURLY"]))
    start = datetime(random.randint(1990, 2030), 1, 1) + timedelta(days=random.randrange(366))
    if not is_date:
        start += timedelta(minutes=random.randrange(1440))
        if random.random() < 0.3:
            start = start.replace(hour=random.randint(0, 3), minute=random.choice([0, 30]))
    parts = {"FREQ": freq}
    chance = lambda p: random.random() < p
    if chance(0.4):
        parts["INTERVAL"] = random.randint(2, {"YEARLY": 5, "MONTHLY": 14, "WEEKLY": 6, "DAILY": 40, "HOURLY": 50}[freq])
    if chance(0.3):
        parts["WKST"] = random.choice(DAYS)
    if chance(0.3):
        parts["BYMONTH"] = some(random, range(1, 13), 4)
    if freq in ("YEARLY", "HOURLY") and chance(0.25):
        parts["BYYEARDAY"] = signed(random, 366, 9)
    if freq != "WEEKLY" and chance(0.3):
        parts["BYMONTHDAY"] = signed(random, 31, 6)
    if freq == "YEARLY" and chance(0.3):
        parts["BYWEEKNO"] = some(random, [n for n in range(-51, 53) if n != 0], 4)
        parts.pop("INTERVAL", None)
    if chance(0.45):
        if freq in ("YEARLY", "MONTHLY") and "BYWEEKNO" not in parts and chance(0.5):
            most = 5 if freq == "MONTHLY" or "BYMONTH" in parts else random.choice([5, 53])
            numbers = signed(random, most, 3)
            parts["BYDAY"] = [f"{n}{day}" for n in numbers for day in some(random, DAYS, 2)]
        else:
            parts["BYDAY"] = some(random, DAYS, 5)
    if not is_date:
        if chance(0.25):
            parts["BYHOUR"] = some(random, range(24), 4)
        if chance(0.2):
            parts["BYMINUTE"] = some(random, range(60), 3)
        if chance(0.1):
            parts["BYSECOND"] = some(random, range(60), 2)
    if any(part.startswith("BY") for part in parts) and "BYWEEKNO" not in parts and chance(0.25):
        parts["BYSETPOS"] = signed(random, random.choice([2, 5, 20]), 3)
        if freq == "WEEKLY":
            start -= timedelta(days=(start.weekday() - DAYS.index(parts.get("WKST", "MO"))) % 7)
    end = random.random()
    years = HORIZON[freq]
    if end < 0.25:
        parts["COUNT"] = random.randint(1, 15)
    elif end < 0.5:
        until = start + timedelta(days=random.randrange(1, 365 * years))
        parts["UNTIL"] = until.strftime("%Y%m%d" if is_date or chance(0.4) else "%Y%m%dT%H%M%S")
    return parts, start, is_date


def text(parts):
    value = lambda value: ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return ";".join(f"{name}={value(part)}" for name, part in parts.items())


def walls(parts, start, horizon, exdates, rdates):
    """dateutil's answer on the wall clock."""
    asked = dict(parts)
    if "BYWEEKNO" in asked and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & asked.keys():
        asked["BYDAY"] = [DAYS[start.weekday()]]
    count = asked.pop("COUNT", None)
    until = horizon
    if written := asked.pop("UNTIL", None):
        until = min(until, datetime.strptime(written, "%Y%m%dT%H%M%S") if "T" in written
                    else datetime.strptime(written, "%Y%m%d") + timedelta(days=1, seconds=-1))
    asked["UNTIL"] = until.strftime("%Y%m%dT%H%M%S")
    made = []
    # dateutil looks for a rule that yields nothing until this year.
    calendar.MAXYEAR = horizon.year
    try:
        for wall in rrule.rrulestr(text(asked), dtstart=start):
            if not made and wall != start:
                made.append(start)
            if count is not None and len(made) >= count:
                break
            made.append(wall)
            if len(made) > SHOWN + len(exdates) + len(rdates) + 5 and (count is None or len(made) >= count):
                break
    except ValueError as error:
        # dateutil refuses hourly rules whose interval never meets BYHOUR.
        assert "infinite" in str(error) or "empty" in str(error), error
    made = made or [start]
    complete = len(made)
    rdates = {day for day in rdates if day > start}
    merged = sorted(set(made) | rdates)
    if complete > SHOWN + len(exdates) + len(rdates):
        merged = [wall for wall in merged if wall <= made[-1]]
    return [wall for wall in merged if wall not in exdates and wall <= horizon]


def instant(wall, zone):
    """Seconds since 1970; in a gap, those of the first instant after it."""
    seconds = int(wall.replace(tzinfo=zone, fold=0).timestamp())
    local = lambda seconds: datetime.fromtimestamp(seconds, UTC).astimezone(zone).replace(tzinfo=None)
    if local(seconds) == wall:
        return seconds
    before, after = seconds - 50 * 3600, seconds + 50 * 3600
    while after - before > 1:
        middle = (before + after) // 2
        if local(middle) >= wall:
            after = middle
        else:
            before = middle
    return after


def main():
    chosen = random.Random(5545)
    lines = []
    while len(lines) < COUNT:
        parts, start, is_date = make(chosen)
        zone = chosen.choice(ZONES)
        horizon = start + timedelta(days=366 * HORIZON[parts["FREQ"]])
        plain = walls(parts, start, horizon, set(), [])
        # Two thirds of the rules that yield nothing are left out; there would be too many.
        if len(plain) == 1 and parts.get("COUNT") != 1 and chosen.random() < 0.67:
            continue
        exdates, rdates = set(), []
        if chosen.random() < 0.2:
            exdates = set(some(chosen, plain[:8], 3)) - {start}
            rdates = [start + timedelta(days=chosen.randrange(1, 200), minutes=0 if is_date else chosen.randrange(1440)) for _ in range(2)]
        found = walls(parts, start, horizon, exdates, rdates)
        answers, last = [], None
        for wall in found:
            seconds = int(wall.replace(tzinfo=UTC).timestamp()) if is_date else instant(wall, ZoneInfo(zone))
            if last is None or seconds > last:
                answers.append(seconds)
                last = seconds
        form = "%Y-%m-%d" if is_date else "%Y-%m-%dT%H:%M:%S"
        day = lambda wall: wall.strftime(form)
        lines.append("\t".join([
            zone, day(start), text(parts), ",".join(map(day, sorted(exdates))), ",".join(map(day, rdates)),
            horizon.strftime(form), ",".join(map(str, answers[:SHOWN])),
        ]))
    packed = zlib.compress("\n".join(lines).encode(), 9)
    Path(__file__).with_name("dateutil.zlib").write_bytes(packed)
    print(len(packed), "bytes")


main()
