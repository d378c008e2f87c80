runner {
  start_timeout       = 5
  stop_timeout        = "5 seconds"
  heartbeat_timeout   = "-1s"
  crash_loop_restarts = 2.5
  log_level           = "information"
  backoff_min         = "1m"
  backoff_max         = "1s"
}
connector "paper" "sim" {
  speed = "fast"
  synthetic {
    seed              = -1
    events_per_second = true
  }
}
strategy "a" {
  plugin  = ["gridtrading"]
  enabled = "yes"
  sha256  = "abc"
  instrument "sim" "BTCUSDT" {
    tick_size   = "0.1"
    lot_size    = 0
    last_trades = 1e9
  }
}
strategy "b" {
  plugin = "gridtrading"
  instrument "sim" "ETHUSDT" {
    tick_size = -0.1
    lot_size  = 0.001
    depth     = "roi"
  }
  params {
    order_qty = "a lot"
    grid_num  = 0
    pause     = 10
    levels    = [1, "two"]
    post_only = null
  }
}
