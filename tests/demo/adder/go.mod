module adder

go 1.19

require zooid v0.0.0

replace zooid => ../../../bindings/go/zooid
