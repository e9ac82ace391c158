"""Nets the rows that the peers benchmark wrote, in numpy and in DuckDB, and compares the orders.

Rules, for each row of a class: balance from the opening position; between windows stock stops at 0; the need of a
window is the largest floor less balance inside it, the balance not stopping at 0; whole units up, whole packs up.
One line of JSON per peer.
"""
import json
import sys
import time

folder, runs = sys.argv[1], int(sys.argv[2])
BLOCK = 4096         # rows that numpy holds in cache at a time
SQL_ROWS = 100_000   # rows for DuckDB: its time per row does not depend on their number


def say(**what):
    print(json.dumps(what), flush=True)


try:
    import numpy as np
except ImportError:
    say(name="numpy", missing="pip install numpy duckdb")
    sys.exit(0)

blocks = json.load(open(f"{folder}/peers.json"))
for i, b in enumerate(blocks):
    for name in ("avail", "floor", "pack", "demand", "receipts", "orders"):
        b[name] = np.fromfile(f"{folder}/{i}.{name}", dtype="<i4")
    n = b["rows"]
    b["demand"] = b["demand"].reshape(b["days"], n)
    b["receipts"] = b["receipts"].reshape(b["days"], n)
    b["orders"] = b["orders"].reshape(len(b["usable"]), n)


def net(b, lo, hi, out):
    demand, receipts = b["demand"][:, lo:hi], b["receipts"][:, lo:hi]
    floor, pack = b["floor"][lo:hi], b["pack"][lo:hi]
    stock, day, coming = b["avail"][lo:hi].copy(), 0, None
    for k, (first, last) in enumerate(zip(b["usable"], b["end"])):
        while day < first:
            stock += receipts[day]
            if coming is not None:
                stock += coming
                coming = None
            stock -= demand[day]
            np.maximum(stock, 0, out=stock)
            day += 1
        balance = stock.copy()
        lowest = None
        for t in range(first, last + 1):
            balance += receipts[t]
            balance -= demand[t]
            lowest = balance.copy() if lowest is None else np.minimum(lowest, balance, out=lowest)
        units = -((lowest - floor) // 1000)
        packs = -(-units // pack)
        np.maximum(packs, 0, out=packs)
        packs *= pack
        out[k, lo:hi] = packs
        coming = packs * 1000


def timed(f):
    walls, cpus = [], []
    for i in range(runs + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        f()
        if i:
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
    return sorted(walls)[len(walls) // 2], sorted(cpus)[len(cpus) // 2]


results = [np.empty_like(b["orders"]) for b in blocks]


def all_blocks():
    for b, out in zip(blocks, results):
        for lo in range(0, b["rows"], BLOCK):
            net(b, lo, min(lo + BLOCK, b["rows"]), out)


wall, cpu = timed(all_blocks)
for i, (b, out) in enumerate(zip(blocks, results)):
    if not np.array_equal(out, b["orders"]):
        sys.exit(f"numpy: class {i} differs")
say(name="numpy, day-major in blocks", rows=sum(b["rows"] for b in blocks), seconds=wall, cpu=cpu)

try:
    import duckdb
except ImportError:
    say(name="DuckDB", missing="pip install duckdb")
    sys.exit(0)

db = duckdb.connect()
db.execute("set threads to 1")
db.execute("create table sku(id integer, class integer, avail bigint, floor bigint, pack bigint)")
db.execute("create table flow(id integer, day integer, net bigint)")
db.execute("create table span(class integer, k integer, first integer, last integer)")
total, took = 0, []
for i, b in enumerate(blocks):
    n = min(b["rows"], max(1, SQL_ROWS * b["rows"] // sum(x["rows"] for x in blocks)))
    took.append(n)
    ids = np.arange(total, total + n, dtype=np.int32)
    total += n
    cls = np.full(n, i, dtype=np.int32)
    avail, floor, pack = b["avail"][:n], b["floor"][:n], b["pack"][:n]
    db.execute("insert into sku select * from (select unnest($1), unnest($2), unnest($3), unnest($4), unnest($5))",
               [ids.tolist(), cls.tolist(), avail.tolist(), floor.tolist(), pack.tolist()])
    day = np.repeat(np.arange(b["days"], dtype=np.int32), n)
    every = np.tile(ids, b["days"])
    moves = (b["demand"][:, :n] - b["receipts"][:, :n]).reshape(-1).astype(np.int64)
    db.register("flows", {"id": every, "day": day, "net": moves})
    db.execute("insert into flow select id, day, net from flows")
    db.unregister("flows")
    if b["usable"][0] > 0:
        db.execute("insert into span values (?, -1, 0, ?)", [i, b["usable"][0] - 1])
    for k, (first, last) in enumerate(zip(b["usable"], b["end"])):
        db.execute("insert into span values (?, ?, ?, ?)", [i, k, first, last])

QUERY = """
create or replace table orders as
with recursive
flows as (
    select s.id, w.k, f.day, sum(f.net) over (partition by s.id, w.k order by f.day) as used
    from sku s join span w on w.class = s.class join flow f on f.id = s.id and f.day between w.first and w.last),
windows as materialized (
    select id, k, max(used) as drop_, arg_max(used, day) as used, max(used) - arg_max(used, day) as least
    from flows group by id, k),
steps as (
    select s.id, s.floor, s.pack, s.avail as stock, (select min(k) from span w where w.class = s.class) as k, 0::bigint as ordered
    from sku s
    union all
    select t.id, t.floor, t.pack,
           greatest(t.stock + q.units * 1000 - w.used, w.least) as stock, t.k + 1, q.units
    from steps t
    join windows w on w.id = t.id and w.k = t.k,
    lateral (select case when t.k < 0 or t.floor - (t.stock - w.drop_) <= 0 then 0
             else ((t.floor - (t.stock - w.drop_) + 999) // 1000 + t.pack - 1) // t.pack * t.pack end as units) q)
select id, k - 1 as k, ordered as units from steps where ordered > 0
"""
wall, cpu = timed(lambda: db.execute(QUERY))
got = db.execute("select id, k, units from orders").fetchnumpy()
table = {}
start = 0
for i, (b, n) in enumerate(zip(blocks, took)):
    out = np.zeros((len(b["usable"]), n), dtype=np.int64)
    mine = (got["id"] >= start) & (got["id"] < start + n)
    out[got["k"][mine], got["id"][mine] - start] = got["units"][mine]
    start += n
    if not np.array_equal(out, b["orders"][:, :n]):
        sys.exit(f"DuckDB: class {i} differs")
say(name="DuckDB, recursive SQL", rows=total, seconds=wall, cpu=cpu)
