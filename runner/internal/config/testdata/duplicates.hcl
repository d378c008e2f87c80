runner {
}
runner {
}
connector "paper" "sim" {
  fee {
    maker = 0
  }
  fee {
    maker = 1
  }
}
connector "paper" "sim" {
}
strategy "a" {
  plugin = "gridtrading"
  bot_id = 7
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    order_qty = 1
  }
}
strategy "a" {
  plugin = "gridtrading"
  bot_id = 7
  instrument "sim" "BTCUSDT" {
    tick_size = 0.01
    lot_size  = 0.001
  }
  params {
    order_qty = 1
    order_qty = 2
  }
}
