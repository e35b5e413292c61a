package dev.tenon.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    private static final JavaClasses CORE = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.tenon.core");

    @Test
    void coreDependsOnlyOnWhatItMay() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.tenon.core..",
                        "java..",
                        "org.slf4j..",
                        "org.apache.commons.exec..",
                        "com.fasterxml.jackson.core..",
                        "com.fasterxml.jackson.jr..",
                        "org.jspecify..",
                        "javax.crypto..",
                        "javax.xml..",
                        "org.w3c.dom..",
                        "org.xml.sax..")
                .check(CORE);
    }

    @Test
    void onlyTheLinuxPackageCallsTheCLibrary() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.tenon.core.linux")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.lang.foreign..")
                .check(CORE);
    }

    @Test
    void theInterfaceDependsOnNoOtherPackage() {
        classes()
                .that()
                .resideInAPackage("dev.tenon.core.spi..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("dev.tenon.core.spi..", "java..", "org.jspecify..")
                .check(CORE);
    }

    @Test
    void theLinuxPackageKnowsNothingOfStorage() {
        classes()
                .that()
                .resideInAPackage("dev.tenon.core.linux..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("dev.tenon.core.linux..", "java..", "org.jspecify..")
                .check(CORE);
    }

    /** The interfaces are one: a storage plugin gives backup providers, which speak of storages. */
    private static final SliceAssignment PACKAGES = new SliceAssignment() {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass javaClass) {
            String name = javaClass.getPackageName();
            return SliceIdentifier.of(name.startsWith("dev.tenon.core.spi") ? "dev.tenon.core.spi" : name);
        }

        @Override
        public String getDescription() {
            return "packages";
        }
    };

    @Test
    void packagesDependOnEachOtherInOneDirection() {
        slices().assignedFrom(PACKAGES).should().beFreeOfCycles().check(CORE);
    }

    /** A file call holds the carrier of a virtual thread: a few that hang, and no virtual thread runs any more. */
    @Test
    void nothingRunsOnVirtualThreads() {
        noClasses()
                .should()
                .callMethod(Thread.class, "ofVirtual")
                .orShould()
                .callMethod(Executors.class, "newVirtualThreadPerTaskExecutor")
                .check(CORE);
    }
}
