module substrate/toolchain/pause

go 1.26.0
