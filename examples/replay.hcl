# Recorded messages of Binance futures, BTCUSDT, traded on paper:
#
#   bin/runner sample --out data/sample
#   bin/runner run --config examples/replay.hcl
#
# The first line makes five minutes of a synthetic market. HFTRUNNER_DATA names a directory with better data, REPLAY_SPEED how
# fast they are replayed: 1, 10 or "max". The run ends by itself at the end of the data. Paths are relative to the working
# directory.

runner {
  plugin_dir = "bin/plugins"
  state_dir  = "state"
}

connector "paper" "day" {
  replay {
    format = "binancefutures"
    files = {
      BTCUSDT = "${env("HFTRUNNER_DATA", "data/sample")}/binancefutures/btcusdt_20240808.gz"
    }
    speed = env("REPLAY_SPEED", "10")
  }
  exchange {
    model            = "partial_fill"
    queue            = "power_prob3"
    order_latency    = "5ms"
    response_latency = "5ms"
  }
  fee {
    maker = -0.00005
    taker = 0.0007
  }
}

strategy "grid-btc" {
  plugin = "gridtrading"
  instrument "day" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    relative_half_spread   = 0.0005
    relative_grid_interval = 0.0005
    grid_num               = 10
    skew                   = 0.00005
    order_qty              = 0.01
    max_position           = 0.1
  }
}
