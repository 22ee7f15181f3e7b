// How pm2 runs PushLog: `pm2 start ecosystem.config.js --only pushlog-prod`, after `scripts/setup`.
// The two can run beside each other: each has its own port, database and file of secrets.
//
// Settings stand in prod.env and staging.env beside this file, read anew at every start; copy
// the .example files. What is set here stands over them. docs/OPERATIONS.md tells the rest.

const path = require('path');

function pushlog(stage, port) {
  return {
    name: `pushlog-${stage}`,
    cwd: __dirname,
    script: '.venv/bin/python',
    args: '-u -m server',
    interpreter: 'none',
    // One process: the engine is its child, and the database has one writer.
    exec_mode: 'fork',
    instances: 1,
    env: {
      PORT: String(port),
      DATABASE_URL: `sqlite:///data/${stage}/pushlog.db`,
      // The dash: the file need not be there.
      PUSHLOG_ENV_FILE: `-${path.join(__dirname, `${stage}.env`)}`,
    },
    // pm2 sends SIGINT, and after this many milliseconds SIGKILL. Its own 1600 can be too short
    // for the engine's last checkpoint; nothing would be lost, but more would be done again.
    kill_timeout: 10000,
    // The signal is for the server alone: it lets the engine finish, which would otherwise be
    // ended in the middle of its work.
    treekill: false,
    // A start that fails is tried again after 100 ms, then ever later, up to 15 s, for ever.
    exp_backoff_restart_delay: 100,
    // Of the server alone. It takes 70 MB when idle, 200 MB after a storm, and 295 MB at worst, with
    // two pushes of 25 MB at once.
    max_memory_restart: '512M',
    // No number in the names of the log files: there is only one process.
    merge_logs: true,
    watch: false,
  };
}

module.exports = { apps: [pushlog('prod', 3000), pushlog('staging', 3001)] };
