package dev.tenon.bridge;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.tenon.core.spi.StoragePlugin;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.tenon");

    @Test
    void theBridgeUsesOnlyWhatItJoinsAndItsLibraries() {
        classes()
                .that()
                .resideInAPackage("dev.tenon.bridge..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.tenon.bridge..",
                        "dev.tenon.proto..",
                        "dev.tenon.core..",
                        "java..",
                        "org.apache.commons.exec..",
                        "org.slf4j..",
                        "org.jspecify..")
                .check(CLASSES);
    }

    @Test
    void connectionsAndCodecsKnowNoApi() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "dev.tenon.bridge.transport..",
                        "dev.tenon.bridge.session..",
                        "dev.tenon.bridge.codec..",
                        "dev.tenon.bridge.descriptor..")
                .should()
                .dependOnClassesThat(
                        resideInAPackage("dev.tenon.bridge.storage..").or(assignableTo(StoragePlugin.class)))
                .check(CLASSES);
    }

    @Test
    void adaptersAndCodecsKnowNoConnection() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.tenon.bridge.codec..", "dev.tenon.bridge.storage..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.tenon.bridge.transport..",
                        "dev.tenon.bridge.session..",
                        "dev.tenon.bridge.serve..",
                        "dev.tenon.bridge.perl..")
                .check(CLASSES);
    }

    @Test
    void nothingPointsBack() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.tenon.proto..", "dev.tenon.core..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.tenon.bridge..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage("dev.tenon.proto..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.tenon.core..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage("dev.tenon.core..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.tenon.proto..")
                .check(CLASSES);
    }

    @Test
    void theRoomsOfTheBridgeFormNoCircle() {
        slices().matching("dev.tenon.bridge.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    /** A file call holds the carrier of a virtual thread: a few that hang, and no virtual thread runs any more. */
    @Test
    void nothingRunsOnVirtualThreads() {
        noClasses()
                .should()
                .callMethod(Thread.class, "ofVirtual")
                .orShould()
                .callMethod(Executors.class, "newVirtualThreadPerTaskExecutor")
                .check(CLASSES);
    }
}
