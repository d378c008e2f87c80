connector "paper" "sim" {
}
connector "paper" "sim2" {
}
strategy "a" {
  plugin = "obimm"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "sim" "ETHUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  instrument "sim2" "ETHUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  instrument "sim" "XRPUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  backtest {
    compatt  = "fixed"
    compat   = "hftbacktst"
    from     = "2024-08-09"
    to       = "2024-08-08"
    data "BTCUSD" {
      files = "day1.gz"
    }
    data "BTCUSDT" {
      file  = "day1.gz"
      files = ["day1.gz", "gone.gz", "none*.npz"]
    }
    data "ETHUSDT" {
      files = "btc1.npz"
    }
    data "sim/ETHUSDT" {
      files  = ["btc1.npz"]
      format = "binancefutures"
      exchange {
        queue_n        = 2
        latency_files  = ["lat.csv", "lat.npz"]
        order_latency  = "1ms"
        cancel_latency {
          latency_offset = "1ms"
          files          = []
        }
      }
    }
    data "sim2/ETHUSDT" {
      files    = []
      snapshot = ["btc1.npz", "btc2.npy"]
      fee {
        model = "flat"
        buyer = 0.5
        taker = 1
      }
    }
    data "XRPUSDT" {
      files = "btc1.npz"
      fee {
        maker = 2
      }
    }
  }
}
strategy "b" {
  plugin = "obimm"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "sim" "ETHUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  backtest {
    from = "yesterday"
    data "BTCUSDT" {
      files = ["btc1.npz", "btc2.npy"]
    }
  }
  backtest {
    data "BTCUSDT" {
      files = 7
    }
  }
}
