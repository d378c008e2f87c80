runner {
  plugin_dir    = "bin/plugins"
  start_timeout = "${2 + 3}s"
}

connector "paper" "sim" {
  speed = 2
  synthetic {
    seed              = 7
    events_per_second = 2 * 100
  }
  exchange {
    model            = "partial_fill"
    queue            = "power_prob3"
    queue_n          = 2
    order_latency    = "1ms"
    response_latency = "500us"
  }
  fee {
    maker = -0.00005
    taker = 0.0007
  }
}

connector "paper" "day" {
  replay {
    format = "binancefutures"
    files = {
      BTCUSDT = "${env("DATA", "testdata")}/day1.gz"
      ETHUSDT = ["eth1.gz", "eth2.gz"]
    }
    speed       = env("REPLAY_SPEED", "10")
    sync        = "natural"
    on_bad_line = "fatal"
    on_gap      = "ignore"
    book_ticker = false
  }
}

strategy "both" {
  plugin = "obimm"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "sim" "ETHUSDT" {
    tick_size   = 0.01
    lot_size    = 0.001
    depth       = "roi"
    roi_low     = 1000
    roi_high    = 5000
    last_trades = 0
  }
  wait      = "spin"
  on_exit   = "keep"
  on_change = "ignore"
  position  = "account"
  bot_id    = 18446744073709551615
  enabled   = env("BOTH", "false")
}

strategy "replayed" {
  plugin = "gridtrading"
  instrument "day" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    order_qty = env("ORDER_QTY", "0.02")
    pause     = "150ms"
    levels    = [1, 2.5]
  }
}
