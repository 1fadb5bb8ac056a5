// Command kubernetes-validator judges the objects of a Kubernetes list on standard input as an API server would that has
// the resources of a release of the Gateway API: metadata, fields that are unknown, the schema of each resource, lists
// that are sets, and the rules in CEL. Objects of Kubernetes itself are decoded strictly into their published Go types.
//
//	kubernetes-validator 1.5.1 < list.json
//
// The resources are those of the module sigs.k8s.io/gateway-api at that version, which Go fetches once. Prints a line for
// each refused object, then a sum. Exit status: 0 all taken, 1 some refused, 2 not judged.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Resource is what an API server holds of one version of a CustomResourceDefinition.
type resource struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

// Types of Kubernetes itself, by apiVersion and kind.
var builtin = map[string]func() any{
	"v1 Secret":                         func() any { return &corev1.Secret{} },
	"v1 ConfigMap":                      func() any { return &corev1.ConfigMap{} },
	"v1 Service":                        func() any { return &corev1.Service{} },
	"discovery.k8s.io/v1 EndpointSlice": func() any { return &discoveryv1.EndpointSlice{} },
	"networking.k8s.io/v1 Ingress":      func() any { return &networkingv1.Ingress{} },
}

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: kubernetes-validator <version of the Gateway API, such as 1.5.1> < list.json"))
	}
	resources := readResources(moduleFolder(os.Args[1]))
	text, err := io.ReadAll(os.Stdin)
	fail(err)
	var list struct{ Items []json.RawMessage }
	fail(json.Unmarshal(text, &list))
	refused := 0
	for _, item := range list.Items {
		var head metav1.PartialObjectMetadata
		fail(json.Unmarshal(item, &head))
		if problems := judge(resources, head, item); len(problems) > 0 {
			refused++
			fmt.Printf("%s %s/%s: %s\n", head.Kind, head.Namespace, head.Name, strings.Join(problems, "; "))
		}
	}
	fmt.Printf("%d objects, %d refused\n", len(list.Items), refused)
	if refused > 0 {
		os.Exit(1)
	}
}

// ModuleFolder is where Go keeps the module with the resources.
func moduleFolder(version string) string {
	command := exec.Command("go", "mod", "download", "-json", "sigs.k8s.io/gateway-api@v"+version)
	command.Dir = os.TempDir()
	output, err := command.Output()
	var module struct{ Dir, Error string }
	if json.Unmarshal(output, &module) == nil && module.Error != "" {
		fail(fmt.Errorf("gateway-api %s: %s", version, module.Error))
	}
	fail(err)
	return filepath.Join(module.Dir, "config/crd/standard")
}

func readResources(folder string) map[string]resource {
	resources := map[string]resource{}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	fail(err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		fail(err)
		var definition apiextensionsv1.CustomResourceDefinition
		fail(yaml.Unmarshal(text, &definition))
		if definition.Kind != "CustomResourceDefinition" {
			continue
		}
		for _, version := range definition.Spec.Versions {
			if version.Schema == nil || !version.Served {
				continue
			}
			var internal apiextensions.JSONSchemaProps
			fail(apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &internal, nil))
			structural, err := structuralschema.NewStructural(&internal)
			fail(err)
			schema, _, err := validation.NewSchemaValidator(&internal)
			fail(err)
			id := fmt.Sprintf("%s/%s %s", definition.Spec.Group, version.Name, definition.Spec.Names.Kind)
			resources[id] = resource{structural, schema, cel.NewValidator(structural, true, celconfig.PerCallLimit)}
		}
	}
	if len(resources) == 0 {
		fail(fmt.Errorf("%s holds no resources", folder))
	}
	return resources
}

func judge(resources map[string]resource, head metav1.PartialObjectMetadata, item []byte) []string {
	isName := apivalidation.NameIsDNSSubdomain
	if head.Kind == "Service" {
		isName = apivalidation.NameIsDNS1035Label
	}
	problems := messages(apivalidation.ValidateObjectMeta(&head.ObjectMeta, true, isName, field.NewPath("metadata")))
	id := head.APIVersion + " " + head.Kind
	if made, found := builtin[id]; found {
		decoder := json.NewDecoder(bytes.NewReader(item))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(made()); err != nil {
			problems = append(problems, err.Error())
		}
		return problems
	}
	found, isKnown := resources[id]
	if !isKnown {
		return append(problems, "no such resource: "+id)
	}
	// numbers as an API server has them: a float is no integer to a rule
	var object map[string]any
	fail(utiljson.Unmarshal(item, &object))
	tracking := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(object, found.structural, true, tracking) {
		problems = append(problems, "unknown field "+path)
	}
	defaulting.Default(object, found.structural)
	problems = append(problems, messages(validation.ValidateCustomResource(nil, object, found.schema))...)
	problems = append(problems, messages(listtype.ValidateListSetsAndMaps(nil, found.structural, object))...)
	if len(problems) > 0 {
		return problems
	}
	broken, _ := found.rules.Validate(context.Background(), nil, found.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return messages(broken)
}

func messages(list field.ErrorList) []string {
	texts := []string{}
	for _, err := range list {
		texts = append(texts, err.Error())
	}
	return texts
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
