package io.octavo.api.identity;

import io.octavo.jobs.identity.ApiKeys;
import io.octavo.jobs.identity.KeyText;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.context.annotation.Lazy;
import org.springframework.stereotype.Component;

/** Admits the operator's first key before the first request comes. */
@Component
@Lazy(false)
class BootstrapKey implements InitializingBean {

    private final ApiKeys keys;
    private final IdentityProperties properties;

    BootstrapKey(ApiKeys keys, IdentityProperties properties) {
        this.keys = keys;
        this.properties = properties;
    }

    @Override
    public void afterPropertiesSet() throws IOException {
        Optional<String> text = configured().map(String::strip).filter(key -> !key.isEmpty());
        if (text.isPresent()) {
            KeyText key = KeyText.parse(text.get())
                    .orElseThrow(() -> new IllegalStateException(
                            "octavo.identity.bootstrap-key is no key; `octavo key` draws one"));
            keys.admit(key, "bootstrap");
        }
    }

    private Optional<String> configured() throws IOException {
        return properties.bootstrapKeyFile() == null
                ? Optional.ofNullable(properties.bootstrapKey())
                : Optional.of(Files.readString(properties.bootstrapKeyFile()));
    }
}
