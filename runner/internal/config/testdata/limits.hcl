runner {
  risk {
    max_open_orders = 100
    max_order_rate  = 500
  }
}
connector "paper" "sim" {
  risk {
    max_position       = 2
    max_position_value = { USDT = 100000, USDC = 5000 }
  }
}
connector "binancefutures" "bf" {
  network = "testnet"
  risk {
    max_order_value = { USDT = 1000 }
  }
}
strategy "a" {
  plugin = "gridtrading"
  risk {
    max_order_rate      = 20
    order_rate_interval = "10s"
  }
  params {
    order_qty = 0.1
  }
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
    currency  = "USDT"
    risk {
      max_order_qty = 0.5
    }
  }
}
strategy "b" {
  plugin = "gridtrading"
  params {
    order_qty = 0.1
  }
  instrument "bf" "ETHUSDT" {
    currency = "USDT"
  }
}
