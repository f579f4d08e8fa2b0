package io.octavo.api;

import io.octavo.jobs.testing.EmbeddedServices;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.ContextConfiguration;

/** Runs the whole api on a free port, with {@link ApiTest#KEY}, a key for secrets, and webhooks to this machine allowed. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@SpringBootTest(
        classes = ApiApplication.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "server.address=127.0.0.1",
            "octavo.identity.bootstrap-key=" + ApiTest.KEY,
            "octavo.identity.rate.burst=100000",
            "octavo.secrets.keys.a=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "octavo.secrets.current=a",
            "octavo.outgoing.allow-http=true",
            "octavo.outgoing.allowed-networks=127.0.0.0/8"
        })
@ContextConfiguration(initializers = EmbeddedServices.class)
@interface ServiceTest {}
