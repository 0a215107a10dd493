// The language host of Pulumi YAML, which the engine does not bring.
//
// It is upstream's (v1.25.0), which was released with engine 3.206, but for two things that a newer engine needs.
// Schemas come from the engine that runs it: upstream's own program starts every component plugin a second time to ask
// it, with flags that newer language hosts refuse. And it has an answer to Link.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/pulumi/pulumi-yaml/pkg/server"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

const engineSchemas = true

type host struct {
	pulumirpc.LanguageRuntimeServer
}

// Link has nothing to do: a YAML program finds a package by its name in Pulumi.yaml and in sdks/.
func (host) Link(context.Context, *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	return &pulumirpc.LinkResponse{}, nil
}

func main() {
	if err := serve(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers the engine at that address for as long as it lives; the first line on stdout is the port.
func serve(engine string) error {
	running, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := rpcutil.Healthcheck(running, engine, 5*time.Minute, stop); err != nil {
		return err
	}
	cancelled := make(chan bool)
	go func() {
		<-running.Done()
		close(cancelled)
	}()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: cancelled,
		Init: func(registrar *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(registrar, host{server.NewLanguageHost(engine, "", engineSchemas)})
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port)
	return <-handle.Done
}
