package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import io.octavo.jobs.testing.EmbeddedServices;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;

/** Tokens of an identity provider, and how often one caller may call. */
@Timeout(120)
@OnFreePort
@TestPropertySource(
        properties = {
            "octavo.identity.rate.per-second=0.01",
            "octavo.identity.rate.burst=20",
            "octavo.identity.oidc.issuer=https://idp.example.org",
            "octavo.identity.oidc.audience=octavo"
        })
class IdentityTest {

    private static final RSAKey SIGNING = key("main");
    private static final RSAKey FOREIGN = key("main");
    private static final HttpServer PROVIDER = provider();

    private static volatile boolean answering = true;

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
        registry.add(
                "octavo.identity.oidc.jwk-set-uri",
                () -> "http://127.0.0.1:" + PROVIDER.getAddress().getPort() + "/jwks");
    }

    @LocalServerPort
    int port;

    private static RSAKey key(String id) {
        try {
            return new RSAKeyGenerator(2048).keyID(id).generate();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    private static HttpServer provider() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            byte[] keys = new JWKSet(SIGNING.toPublicJWK()).toString().getBytes(StandardCharsets.UTF_8);
            server.createContext("/jwks", exchange -> {
                exchange.sendResponseHeaders(answering ? 200 : 503, answering ? keys.length : -1);
                if (answering) {
                    exchange.getResponseBody().write(keys);
                }
                exchange.close();
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterAll
    static void stopProvider() {
        PROVIDER.stop(0);
    }

    private static JWTClaimsSet.Builder claims(String subject) {
        return new JWTClaimsSet.Builder()
                .issuer("https://idp.example.org")
                .audience("octavo")
                .subject(subject)
                .expirationTime(Date.from(Instant.now().plusSeconds(600)))
                .claim("tenant", "default")
                .claim("scope", "openid octavo:submit");
    }

    private TestApi holder(JWTClaimsSet.Builder claims, RSAKey key) throws Exception {
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(key.getKeyID()).build(), claims.build());
        token.sign(new RSASSASigner(key));
        return new TestApi(port, token.serialize());
    }

    @Test
    void takesTokensOfTheProviderWithTheirTenantAndScopes() throws Exception {
        TestApi alice = holder(claims("alice"), SIGNING);
        assertThat(alice.get("/api/v1/jobs").statusCode()).isEqualTo(200);
        assertProblem(alice.get("/api/v1/keys"), 403, "scope-missing");
        TestApi admin = holder(claims("root").claim("scope", List.of("octavo:admin")), SIGNING);
        HttpResponse<String> key = admin.post("/api/v1/keys", "{\"name\":\"k\",\"scope\":\"read\"}");
        assertThat(key.statusCode()).as(key.body()).isEqualTo(201);
        assertThat(TestApi.read(key).get("createdBy").stringValue()).isEqualTo("user:root");
    }

    /** What was sealed with a token opens with that one alone. */
    @Test
    void aLaterTokenIsToldThatTheKeyWasUsedWithAnEarlierOne() throws Exception {
        var claims = claims("again").claim("scope", List.of("octavo:admin"));
        TestApi earlier = holder(claims, SIGNING);
        String body = "{\"name\":\"k\",\"scope\":\"read\"}";
        String[] key = {"Idempotency-Key", "k"};
        HttpResponse<String> made = earlier.send("POST", "/api/v1/keys", body, key);
        assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
        assertThat(earlier.send("POST", "/api/v1/keys", body, key).body()).isEqualTo(made.body());
        TestApi later = holder(claims.jwtID("another"), SIGNING);
        assertProblem(later.send("POST", "/api/v1/keys", body, key), 409, "idempotency-key-reused");
    }

    /** Of a token by a key that the provider, once it answers, may have. */
    @Test
    void aProviderThatIsAwayMakesNoTokenBad() throws Exception {
        assertThat(holder(claims("early"), SIGNING).get("/api/v1/jobs").statusCode())
                .isEqualTo(200);
        answering = false;
        try {
            assertProblem(holder(claims("late"), key("rotated")).get("/api/v1/jobs"), 503, "identity-unavailable");
        } finally {
            answering = true;
        }
    }

    @Test
    void refusesEveryOtherToken() throws Exception {
        List<TestApi> strangers = List.of(
                holder(claims("a"), FOREIGN),
                holder(claims("a").issuer("https://other.example.org"), SIGNING),
                holder(claims("a").audience("another"), SIGNING),
                holder(claims("a").audience((String) null), SIGNING),
                holder(claims("a").expirationTime(Date.from(Instant.now().minusSeconds(600))), SIGNING),
                holder(claims("a").claim("tenant", "nobody"), SIGNING),
                holder(claims("a").claim("tenant", null), SIGNING),
                holder(claims("a").claim("scope", "openid"), SIGNING),
                holder(claims("a").claim("scope", null), SIGNING),
                new TestApi(port, "eyJhbGciOiJub25lIn0.e30."),
                new TestApi(port, "nonsense"));
        for (TestApi stranger : strangers) {
            assertProblem(stranger.get("/api/v1/jobs"), 401, "unauthenticated");
        }
    }

    @Test
    void whoCallsTooOftenWaits() throws Exception {
        TestApi caller = holder(claims("busy"), SIGNING);
        List<Integer> statuses =
                IntStream.range(0, 20).mapToObj(i -> status(caller)).toList();
        assertThat(statuses).containsOnly(200);
        HttpResponse<String> refused = caller.get("/api/v1/jobs");
        assertProblem(refused, 429, "rate-limited");
        assertThat(Integer.parseInt(refused.headers().firstValue("Retry-After").orElseThrow()))
                .isBetween(1, 101);
        assertThat(holder(claims("calm"), SIGNING).get("/api/v1/jobs").statusCode())
                .isEqualTo(200);
        assertThat(new TestApi(port, null).get("/actuator/health").statusCode()).isEqualTo(200);
    }

    private static int status(TestApi caller) {
        try {
            return caller.get("/api/v1/jobs").statusCode();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
