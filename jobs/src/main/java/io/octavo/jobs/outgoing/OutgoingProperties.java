package io.octavo.jobs.outgoing;

import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * @param allowedNetworks CIDR of networks that may be called though they are not public
 * @param allowHttp whether URLs without TLS may be called
 */
@ConfigurationProperties("octavo.outgoing")
public record OutgoingProperties(
        @DefaultValue List<String> allowedNetworks,
        @DefaultValue("false") boolean allowHttp) {

    public OutgoingProperties {
        allowedNetworks = List.copyOf(allowedNetworks);
        allowedNetworks.forEach(Network::parse);
    }
}
