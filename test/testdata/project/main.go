// Command inventory is the realistic project that the end-to-end tests and the bench download and build: a small
// service with the dependencies such services have (more than 80 modules, from a few hundred bytes to many
// megabytes). It touches one cheap package of each, so that it builds in seconds.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/semver/v3"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/caarlos0/env/v10"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/docker/docker/errdefs"
	"github.com/emicklei/go-restful/v3/log"
	"github.com/fsnotify/fsnotify"
	"github.com/go-chi/chi/v5"
	"github.com/go-playground/locales/currency"
	"github.com/go-sql-driver/mysql"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/hashicorp/go-multierror"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/mitchellh/mapstructure"
	"github.com/nats-io/nkeys"
	"github.com/opencontainers/image-spec/specs-go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/assert"
	"go.etcd.io/bbolt"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/oauth2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/text/language"
	"gonum.org/v1/gonum/floats/scalar"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"gopkg.in/yaml.v3"
	coordination "k8s.io/api/coordination/v1"
	apires "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/util/retry"
	"modernc.org/mathutil"
)

func main() {
	parts := []any{
		semver.MustParse("1.2.3"), awserr.New("a", "b", nil), aws.String("a"), config.WithRegion("eu"),
		types.BucketLocationConstraintEu, toml.Key{"a"}, env.Options{}, oidc.ScopeOpenID, errdefs.IsNotFound(nil),
		log.Logger, fsnotify.Create, chi.NewRouter() != nil, currency.EUR, mysql.NewConfig() != nil,
		jwt.SigningMethodHS256.Alg(), cmp.Equal(1, 1), uuid.Nil, websocket.TextMessage,
		multierror.Append(nil, fmt.Errorf("x")) != nil, pgtype.NumericOID, mapstructure.Decode, nkeys.ErrInvalidEncoding,
		specs.Version, promhttp.Handler() != nil, redis.Nil, zerolog.DebugLevel, logrus.InfoLevel, viper.New() != nil,
		assert.ObjectsAreEqual(1, 1), bbolt.DefaultOptions.Timeout, primitive.NilObjectID, otel.Version(),
		resource.Empty().Len(), zap.InfoLevel, bcrypt.DefaultCost, oauth2.AccessTypeOnline, language.German,
		scalar.EqualWithinAbs(1, 1, 1), codes.OK, protowire.MinValidNumber, yaml.Node{}.Kind,
		apires.BinarySI, coordination.GroupName, retry.DefaultRetry.Steps, mathutil.MaxInt,
	}
	cache, err := lru.New[string, int](8)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cache.Add("parts", len(parts))
	prometheus.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "inventory_parts"}))
	root := &cobra.Command{Use: "inventory", RunE: func(*cobra.Command, []string) error {
		group, _ := errgroup.WithContext(context.Background())
		group.Go(func() error { fmt.Println(len(parts), http.StatusOK, time.Duration(0)); return nil })
		return group.Wait()
	}}
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
