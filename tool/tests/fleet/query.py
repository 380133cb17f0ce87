"""Runs queries of a database that reads Parquet; prints their rows as JSON, a list a query."""

import json
import os
import sys

task = json.load(sys.stdin)
sys.path.insert(0, task["packages"])
import duckdb  # noqa: E402

os.chdir(task["folder"])
database = duckdb.connect()
answers = []
for query in task["queries"]:
    rows = database.sql(f"SELECT to_json(row)::VARCHAR FROM ({query}) AS row").fetchall()
    answers.append([json.loads(text) for (text,) in rows])
json.dump(answers, sys.stdout)
