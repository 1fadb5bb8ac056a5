// Command envoy-validator judges files by Envoy's own API, as Envoy decodes them: JSON of protocol buffers, the types of
// every Any, and the rules that stand in the .proto files.
//
// A file is a DiscoveryResponse when it has "resources", else a Bootstrap. It prints "ok", or what is wrong, a line each;
// the exit status is 0 when all files are right.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	// what may stand in an Any: a type that is not linked in is refused as unknown
	_ "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/dns/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/body_size_limit/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/filter_chain/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/lua/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/proxy_protocol/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/tls_inspector/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: envoy-validator FILE...")
		os.Exit(2)
	}
	status := 0
	for _, path := range os.Args[1:] {
		findings := judge(path)
		if len(findings) == 0 {
			fmt.Printf("%s: ok\n", path)
			continue
		}
		status = 1
		for _, finding := range findings {
			fmt.Printf("%s: %s\n", path, finding)
		}
	}
	os.Exit(status)
}

func judge(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return []string{err.Error()}
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return []string{err.Error()}
	}
	var message proto.Message = &bootstrap.Bootstrap{}
	if _, isResponse := keys["resources"]; isResponse {
		message = &discovery.DiscoveryResponse{}
	}
	if err := protojson.Unmarshal(text, message); err != nil {
		return []string{err.Error()}
	}
	findings := rules("", message)
	walk(string(message.ProtoReflect().Descriptor().Name()), message.ProtoReflect(), &findings)
	return findings
}

// rules asks the rules of a message and of all messages in it, but those in an Any.
func rules(where string, message proto.Message) []string {
	validator, ok := message.(interface{ ValidateAll() error })
	if !ok {
		return nil
	}
	err := validator.ValidateAll()
	if err == nil {
		return nil
	}
	return []string{strings.TrimSpace(where + " " + strings.ReplaceAll(err.Error(), "\n", "; "))}
}

// walk looks into every Any, and names fields and values that Envoy is about to give up.
func walk(where string, message protoreflect.Message, findings *[]string) {
	if wrapped, ok := message.Interface().(*anypb.Any); ok {
		inner, err := wrapped.UnmarshalNew()
		if err != nil {
			*findings = append(*findings, where+": "+err.Error())
			return
		}
		within := where + "<" + string(inner.ProtoReflect().Descriptor().Name()) + ">"
		*findings = append(*findings, rules(within, inner)...)
		walk(within, inner.ProtoReflect(), findings)
		return
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		at := where + "." + string(field.Name())
		if options, ok := field.Options().(*descriptorpb.FieldOptions); ok && options.GetDeprecated() {
			*findings = append(*findings, at+": the field is deprecated")
		}
		each(at, field, value, findings)
		return true
	})
}

func each(at string, field protoreflect.FieldDescriptor, value protoreflect.Value, findings *[]string) {
	switch {
	case field.IsMap():
		if field.MapValue().Message() == nil {
			return
		}
		value.Map().Range(func(key protoreflect.MapKey, item protoreflect.Value) bool {
			walk(at+"["+key.String()+"]", item.Message(), findings)
			return true
		})
	case field.Message() == nil:
		return
	case field.IsList():
		for index := range value.List().Len() {
			walk(fmt.Sprintf("%s[%d]", at, index), value.List().Get(index).Message(), findings)
		}
	default:
		walk(at, value.Message(), findings)
	}
}
