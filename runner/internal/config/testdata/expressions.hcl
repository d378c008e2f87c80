runner {
  plugin_dir    = env("NOT_SET")
  state_dir     = file("no-such-file")
  start_timeout = "${1 / 0}s"
  stop_timeout  = enb("X")
  log_level     = some_variable
  backoff_max   = env("SECRET_THING")
  backoff_min   = file("secret.txt")
  crash_loop_restarts = env("PLAIN")
}
