module zooid

go 1.19
