package io.octavo.api;

import io.octavo.jobs.testing.EmbeddedServices;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.test.context.ContextConfiguration;
import org.springframework.test.context.TestPropertySource;

/** The whole api {@link OnFreePort}, with database, storage, a key for secrets, and webhooks to this machine allowed. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@OnFreePort
@TestPropertySource(
        properties = {
            "octavo.identity.rate.burst=100000",
            "octavo.secrets.keys.a=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "octavo.secrets.current=a",
            "octavo.outgoing.allow-http=true",
            "octavo.outgoing.allowed-networks=127.0.0.0/8"
        })
@ContextConfiguration(initializers = EmbeddedServices.class)
@interface ServiceTest {}
