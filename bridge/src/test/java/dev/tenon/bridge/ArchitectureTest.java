package dev.tenon.bridge;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
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
                        "io.netty..",
                        "org.apache.commons.exec..",
                        "org.slf4j..",
                        "org.jspecify..")
                .check(CLASSES);
    }

    @Test
    void onlyTransportKnowsNetty() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.tenon.bridge.transport..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.netty..")
                .check(CLASSES);
    }

    @Test
    void adaptKnowsNoConnection() {
        noClasses()
                .that()
                .resideInAPackage("dev.tenon.bridge.adapt..")
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
}
