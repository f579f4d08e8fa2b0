package io.octavo.api.call;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * @param maxJsonBody longest body of a call that takes JSON; uploads of files are not limited
 * @param jsonBodiesAtOnce what the long ones among them may take of this process' memory together; a sixteenth, where it is
 *     absent
 */
@ConfigurationProperties("octavo.api")
public record BodyProperties(
        @DefaultValue("8MB") DataSize maxJsonBody, @Nullable DataSize jsonBodiesAtOnce) {

    int roomForBodies() {
        long bytes = jsonBodiesAtOnce == null ? Runtime.getRuntime().maxMemory() / 16 : jsonBodiesAtOnce.toBytes();
        return (int) Math.min(Integer.MAX_VALUE, bytes);
    }
}
