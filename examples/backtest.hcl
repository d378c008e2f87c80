# Two strategies over recorded messages of Binance futures, BTCUSDT and ETHUSDT, by the plugin binaries that trade live, with
# a report at the end:
#
#   bin/runner sample --out data/sample
#   bin/runner backtest --config examples/backtest.hcl
#
# and all combinations of some parameters, best first:
#
#   bin/runner backtest grid-btc --config examples/backtest.hcl --set grid_num=5,10,20 --set order_qty=0.01,0.02
#
# The sample is five minutes of a synthetic market; HFTRUNNER_DATA names a directory with better data. Recordings are converted
# once; `bin/runner convert events` does the same by hand. Paths are relative to the working directory. The same file runs on paper, with a synthetic market:
#
#   bin/runner run --config examples/backtest.hcl

runner {
  plugin_dir = "bin/plugins"
  state_dir  = "state"
}

connector "paper" "binance" {
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
  instrument "binance" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    relative_half_spread   = 0.0001
    relative_grid_interval = 0.0001
    grid_num               = 10
    skew                   = 0.00002
    order_qty              = 0.01
    max_position           = 0.1
  }
  backtest {
    data "BTCUSDT" {
      files  = "${env("HFTRUNNER_DATA", "data/sample")}/binancefutures/btcusdt_*.gz"
      format = "binancefutures"
    }
  }
}

strategy "obimm" {
  plugin = "obimm"
  instrument "binance" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "binance" "ETHUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  params {
    half_spread = 0.0001
    order_value = 600
  }
  backtest {
    data "BTCUSDT" {
      files  = "${env("HFTRUNNER_DATA", "data/sample")}/binancefutures/btcusdt_*.gz"
      format = "binancefutures"
    }
    data "ETHUSDT" {
      files  = "${env("HFTRUNNER_DATA", "data/sample")}/binancefutures/ethusdt_*.gz"
      format = "binancefutures"
    }
  }
}
