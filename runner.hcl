# The configuration of `make run`: two strategies on a simulated exchange with a synthetic market.
# docs/config.md lists every setting with its default.

runner {
  plugin_dir = "bin/plugins"
  state_dir  = "state"
}

connector "paper" "sim" {
  synthetic {
    seed = 1
  }
  exchange {
    model            = "partial_fill"
    queue            = "power_prob3"
    queue_n          = 3
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
  instrument "sim" "BTCUSDT" {
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

strategy "obimm" {
  plugin = "obimm"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "sim" "ETHUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  params {
    half_spread = 0.0002
    order_value = 600
  }
}
