package io.octavo.standalone;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds the shape of docs/design.md, section 1. */
class ArchitectureTest {

    private static final String OURS = "io.octavo..";

    private static JavaClasses classes = new ClassFileImporter().importClasses();

    @BeforeAll
    static void importClasses() {
        classes = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .withImportOption(location -> !location.contains("/test-classes/"))
                .importPackages("io.octavo");
    }

    /** Every module but standalone, which sees all, with the modules that it may use. */
    static Stream<Arguments> modules() {
        return Stream.of(
                Arguments.of("kernels", List.of(), "it knows shapes, never models"),
                Arguments.of("engine", List.of("kernels"), "it also serves as a plain library"),
                Arguments.of("wire", List.of(), "a client takes nothing else over from the service"),
                Arguments.of("jobs", List.of("wire", "hub", "engine"), "api and worker meet in it and nowhere else"),
                Arguments.of("hub", List.of(), "it is a protocol, whoever speaks it"),
                Arguments.of(
                        "api",
                        List.of("jobs", "wire", "hub", "engine"),
                        "of the engine it needs the pre-flight alone, never a device"),
                Arguments.of(
                        "worker",
                        List.of("engine", "jobs", "wire", "hub"),
                        "how an operation is computed is the engine's business"),
                Arguments.of(
                        "cli", List.of("wire", "hub"), "it knows the service through REST alone, as any client does"));
    }

    @ParameterizedTest
    @MethodSource("modules")
    void modulesDependInOneDirection(String module, List<String> allowed, String because) {
        String[] own = Stream.concat(Stream.of(module), allowed.stream())
                .map(name -> "io.octavo." + name + "..")
                .toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage("io.octavo." + module + "..")
                .should()
                .dependOnClassesThat(resideInAPackage(OURS).and(not(resideInAnyPackage(own))))
                .because(because)
                .allowEmptyShould(true)
                .check(classes);
    }

    @Test
    void engineKnowsNoFrameworkAndNoNetwork() {
        noClasses()
                .that()
                .resideInAnyPackage("io.octavo.engine..", "io.octavo.kernels..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "org.springframework..",
                        "jakarta..",
                        "org.hibernate..",
                        "java.sql..",
                        "javax.sql..",
                        "io.minio..",
                        "okhttp3..",
                        "java.net.http..")
                .because("the engine also serves as a plain library")
                .check(classes);
    }

    @Test
    void jobsKnowWhatIsAskedOfTheEngineAndNothingElseOfIt() {
        noClasses()
                .that()
                .resideInAPackage("io.octavo.jobs..")
                .should()
                .dependOnClassesThat(resideInAPackage("io.octavo.engine..")
                        .and(not(resideInAnyPackage(
                                "io.octavo.engine.request", "io.octavo.engine.modify", "io.octavo.engine.label"))))
                .because(
                        "a request becomes a recipe in one place; what comes of it is the api's to plan, the worker's to do")
                .check(classes);
    }

    @Test
    void apiPlansAndLeavesTheWorkToWorkers() {
        noClasses()
                .that()
                .resideInAPackage("io.octavo.api..")
                .should()
                .dependOnClassesThat(resideInAPackage("io.octavo.engine..")
                        .and(not(resideInAnyPackage(
                                "io.octavo.engine.request",
                                "io.octavo.engine.plan",
                                "io.octavo.engine.label",
                                "io.octavo.engine.checkpoint",
                                "io.octavo.engine.failure",
                                "io.octavo.engine.report"))))
                .because(
                        "its replicas look at headers and draw what workers measured; what needs a device is the workers'")
                .check(classes);
    }

    @ParameterizedTest
    @MethodSource("modules")
    void internalPackagesStayInTheirModule(String module) {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.octavo." + module + "..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.octavo." + module + "..internal..")
                .because("what is internal may change without asking")
                .check(classes);
    }

    /** A file for each subject: the device, memory, streams, modules, and the handles that they pass around. */
    private static final String JCUDA_FILES =
            "io\\.octavo\\.kernels\\.internal\\.cuda\\.driver\\.(GpuDriver|DriverMemory|DriverStreams|DriverModules|Handles)(\\$.*)?";

    @Test
    void jcudaIsUsedInOneFileASubject() {
        noClasses()
                .that()
                .haveNameNotMatching(JCUDA_FILES)
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jcuda..")
                .because("a machine without a driver must never load a class that mentions it")
                .check(classes);
    }

    @Test
    void packagesImportEachOtherInOneDirection() {
        slices().matching("io.octavo.(**)")
                .should()
                .beFreeOfCycles()
                .because("a package that is below and above another says neither what it holds nor who may use it")
                .check(classes);
    }

    private static final int MOST_FILES = 30;

    @Test
    void packagesAreSmallEnoughToBeReadAtOnce() throws IOException {
        Map<Path, Long> files = javaSources().stream()
                .filter(file -> !file.endsWith("package-info.java"))
                .collect(groupingBy(Path::getParent, counting()));
        files.values().removeIf(count -> count <= MOST_FILES);
        assertThat(files)
                .as("packages with more than %d files; a larger one needs its reason here", MOST_FILES)
                .isEmpty();
    }

    private static List<Path> javaSources() throws IOException {
        try (Stream<Path> files = Files.walk(ProjectFolder.root())) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> file.toString().contains("/src/main/java/"))
                    .toList();
        }
    }

    @Test
    void packagesAreNamedBySubject() {
        noClasses()
                .should()
                .resideInAnyPackage("..util..", "..utils..", "..common..", "..dto..", "..impl..", "..controllers..")
                .because("a package is found by what it is about")
                .check(classes);
    }

    @Test
    void everyPackageSaysWhatItIsFor() throws IOException {
        List<Path> silent = javaSources().stream()
                .map(file -> file.resolveSibling("package-info.java"))
                .distinct()
                .filter(info -> !isNullMarked(info))
                .toList();
        assertThat(silent)
                .as("packages without a package-info.java that has Javadoc and @NullMarked")
                .isEmpty();
    }

    private static boolean isNullMarked(Path packageInfo) {
        try {
            String text = Files.exists(packageInfo) ? Files.readString(packageInfo) : "";
            return text.startsWith("/**") && text.contains("@NullMarked");
        } catch (IOException e) {
            throw new IllegalStateException(packageInfo.toString(), e);
        }
    }
}
