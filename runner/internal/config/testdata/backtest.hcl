connector "paper" "sim" {
  exchange {
    model         = "partial_fill"
    queue         = "power_prob3"
    queue_n       = 2
    order_latency = "10ms"
  }
  fee {
    maker = -0.00005
    taker = 0.0007
  }
}
connector "paper" "day" {
  replay {
    format = "binancespot"
    files  = { BTCUSDT = "day1.gz" }
  }
}
strategy "two" {
  plugin = "gridtrading"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "sim" "ETHUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  params {
    order_qty = 1
  }
  backtest {
    compat          = "hftbacktest"
    from            = "2024-08-08"
    to              = "2024-08-08T12:00:00.5Z"
    record_interval = "500ms"
    data_check      = "fail"
    book_size       = 10000
    data "sim/ETHUSDT" {
      files    = "eth*.gz"
      format   = "binancefutures"
      snapshot = ["eth1.npz", "eth2.npz"]
    }
    data "BTCUSDT" {
      files               = ["btc1.npz", "btc2.npy"]
      feed_latency_offset = "-1ms"
      exchange {
        queue            = "log_prob2"
        response_latency = "1ms"
        consume_depth    = true
        sweep_fills      = true
        modify_latency {
          order_latency = "20ms"
        }
        cancel_latency {
          latency_files  = "lat.npz"
          latency_offset = "3ms"
        }
      }
      fee {
        model  = "quantity"
        maker  = 0.5
        taker  = 1
        seller = 0.25
      }
      asset {
        type          = "inverse"
        contract_size = 100
      }
    }
  }
}
strategy "one" {
  plugin = "obimm"
  instrument "day" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  backtest {
    split = "none"
    data "BTCUSDT" {
      files = "day1.gz"
    }
  }
}
