package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

const envPrefix = "EARSHOT_"

// TokenVariable holds the token that the commands send to a server's API. It is
// no setting of the server.
const TokenVariable = "EARSHOT_TOKEN"

// Key is one setting.
type Key struct {
	Name string // sip.tls_listen
	// Env is EARSHOT_SIP_TLS_LISTEN, empty for what only the file can say.
	Env string
	Doc string
	// Default is the default value as it would be written in YAML.
	Default string
	list    bool
}

// Load reads the settings: defaults, then the YAML file (if file is not
// empty), then environ ("NAME=value"), then sets ("key=value"). Unknown keys
// and EARSHOT_ variables are errors that name them.
func Load(file string, environ, sets []string) (Config, error) {
	k := koanf.New(".")
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return Config{}, fmt.Errorf("read configuration: %w", err)
		}
		if err := k.Load(rawbytes.Provider(raw), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("parse configuration %s: %w", file, err)
		}
	}
	over, err := overrides(environ, sets)
	if err != nil {
		return Config{}, err
	}
	if err := k.Load(confmap.Provider(over, "."), nil); err != nil {
		return Config{}, fmt.Errorf("apply configuration: %w", err)
	}
	cfg := Default()
	err = k.UnmarshalWithConf("", &cfg, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: &cfg, TagName: "koanf", ErrorUnused: true, WeaklyTypedInput: true,
		DecodeHook: mapstructure.StringToTimeDurationHookFunc(),
	}})
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	return cfg, cfg.Check()
}

// overrides returns what the environment and the flags set, by key.
func overrides(environ, sets []string) (map[string]any, error) {
	byName, byEnv := map[string]Key{}, map[string]Key{}
	for _, key := range Keys() {
		if key.Env == "" {
			continue
		}
		if other, taken := byEnv[key.Env]; taken {
			return nil, fmt.Errorf("settings %s and %s share the variable %s", key.Name, other.Name, key.Env)
		}
		byName[key.Name], byEnv[key.Env] = key, key
	}
	out := map[string]any{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, envPrefix) || name == TokenVariable {
			continue
		}
		key, ok := byEnv[name]
		if !ok {
			return nil, fmt.Errorf("environment variable %s names no setting (see docs/configuration.md)", name)
		}
		out[key.Name] = key.value(value)
	}
	for _, kv := range sets {
		name, value, found := strings.Cut(kv, "=")
		key, ok := byName[name]
		if !found || !ok {
			return nil, fmt.Errorf("--set %s: not a setting like sip.listen=127.0.0.1:5060", kv)
		}
		out[key.Name] = key.value(value)
	}
	return out, nil
}

func (k Key) value(s string) any {
	if !k.list {
		return s
	}
	out := []string{} // not nil: an empty list takes the default's place
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// Keys returns every setting, sorted by name.
func Keys() []Key {
	var out []Key
	walk(reflect.ValueOf(Default()), "", &out)
	slices.SortFunc(out, func(a, b Key) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func walk(v reflect.Value, prefix string, out *[]Key) {
	for i := range v.NumField() {
		field, name := v.Type().Field(i), prefix+v.Type().Field(i).Tag.Get("koanf")
		if field.Type.Kind() == reflect.Struct {
			walk(v.Field(i), name+".", out)
			continue
		}
		key := Key{Name: name, Doc: field.Tag.Get("doc"), Default: text(v.Field(i)), list: field.Type.Kind() == reflect.Slice}
		if !key.list || field.Type.Elem().Kind() != reflect.Struct {
			key.Env = envPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
		}
		*out = append(*out, key)
	}
}

func text(v reflect.Value) string {
	if d, ok := reflect.TypeAssert[time.Duration](v); ok {
		return d.String()
	}
	if list, ok := reflect.TypeAssert[[]string](v); ok {
		return "[" + strings.Join(list, ", ") + "]"
	}
	if v.Kind() == reflect.Slice {
		return "[]"
	}
	return fmt.Sprint(v.Interface())
}
