package io.octavo.api.hub;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.octavo.hub.git.TreeEntry;
import io.octavo.hub.model.ModelInfo;
import io.octavo.hub.upload.LfsBatch;
import io.octavo.hub.upload.NewRepository;
import io.octavo.hub.upload.Preupload;
import java.util.List;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** How the protocol's records become JSON, of which they know nothing. */
@Configuration(proxyBeanMethods = false)
class HubJson {

    private static final List<Class<?>> RECORDS = List.of(
            ModelInfo.class,
            ModelInfo.Sibling.class,
            TreeEntry.class,
            NewRepository.class,
            NewRepository.Answer.class,
            Preupload.class,
            Preupload.File.class,
            Preupload.Mode.class,
            LfsBatch.class,
            LfsBatch.Wanted.class,
            LfsBatch.Told.class,
            LfsBatch.Action.class,
            HubAccountController.Card.class,
            HubTreeController.PathsRequest.class,
            HubRepositoryController.NewBranch.class,
            HubRepositoryController.NewTag.class);

    /** What is absent is left out; what is not known is passed over, since clients send more than is read. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @JsonIgnoreProperties(ignoreUnknown = true)
    private interface Lenient {

        @JsonProperty("private")
        boolean isPrivate();

        @JsonProperty("expires_in")
        long expiresIn();
    }

    @Bean
    JsonMapperBuilderCustomizer hubRecords() {
        return builder -> RECORDS.forEach(type -> builder.addMixIn(type, Lenient.class));
    }
}
