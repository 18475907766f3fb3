// SPDX-License-Identifier: GPL-3.0-or-later
// Go with its runtime: goroutines that sleep, files in the folder it is given, standard input, a listener that
// is granted, a panic that is recovered, and an exit code.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// Sums what eight goroutines send, which end in another order than they began in.
func sum() int {
	var group sync.WaitGroup
	squares := make(chan int, 8)
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			time.Sleep(time.Duration(8-i) * time.Millisecond)
			squares <- i * i
		}(i)
	}
	group.Wait()
	close(squares)
	total := 0
	for square := range squares {
		total += square
	}
	return total
}

func files(folder string) {
	check(os.MkdirAll(folder+"/a/b", 0o755))
	check(os.WriteFile(folder+"/one", []byte("first\nsecond\n"), 0o644))
	check(os.Rename(folder+"/one", folder+"/a/b/two"))
	entries, err := os.ReadDir(folder + "/a/b")
	check(err)
	for _, entry := range entries {
		info, err := entry.Info()
		check(err)
		fmt.Println(entry.Name(), info.Size(), info.Mode().IsRegular())
	}
	_, err = os.ReadFile(folder + "/../outside")
	fmt.Println("outside", err != nil)
	check(os.RemoveAll(folder + "/a"))
}

// Gives back each line it is sent in capitals, until a client says end.
func serve() {
	check(syscall.SetNonblock(3, true)) // else an Accept that waits holds up all goroutines
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	check(err)
	fmt.Println("ready")
	ends := make(chan bool)
	go func() {
		for {
			connection, err := listener.Accept()
			check(err)
			go func() {
				defer connection.Close()
				for lines := bufio.NewScanner(connection); lines.Scan(); {
					if lines.Text() == "end" {
						ends <- true
						return
					}
					fmt.Fprintln(connection, strings.ToUpper(lines.Text()))
				}
			}()
		}
	}()
	<-ends
}

func main() {
	fmt.Println(os.Args[1:], sum())
	files(os.Args[1])
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println("line", lines.Text())
	}
	serve()
	defer func() {
		fmt.Println("recovered:", recover())
		os.Exit(7)
	}()
	var none map[string]int
	none["x"] = 1
}
