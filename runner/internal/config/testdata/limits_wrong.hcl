runner {
  risk {
    max_order_value     = { USDT = 0 }
    order_rate_interval = "10s"
  }
}
connector "paper" "sim" {
  risk {
    max_order_qty    = 3
    max_position     = 1
    max_position_value = { USDC = 1000 }
    max_order_value  = { USDT = 900 }
    max_open_value   = { USDT = 500 }
    max_poistion     = 2
  }
}
strategy "a" {
  plugin = "gridtrading"
  risk {
    max_order_qty = -1
  }
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
    currency  = "USDT"
    risk {
      max_order_qty = 0.5
    }
  }
  instrument "sim" "ETHUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    order_qty    = 0.6
    max_position = 0.9
  }
}
