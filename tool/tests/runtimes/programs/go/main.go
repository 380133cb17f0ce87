// Says its version, and waits to be ended.
package main

import (
	"fmt"
	"runtime"
	"time"
)

func main() {
	fmt.Println(runtime.Version()[len("go"):])
	time.Sleep(time.Hour)
}
