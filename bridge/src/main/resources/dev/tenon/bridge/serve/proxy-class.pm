package PVE::Storage::Custom::__NAME__;

# Made by Tenon (proxy class 1); do not edit. The storage is served by Tenon's daemon. What PVE asks of a plugin when it
# reads its configuration is answered here, without the daemon and without any module but PVE's own.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

# A class that is more like this one answers what the daemon is not asked. PVE has loaded its own by now; a program that has
# not does without.
if (__BASE__->isa('PVE::Storage::Plugin')) {
    our @ISA = (__BASE__);
}

my $LIBRARY = __LIBRARY__;
my $SOCKET = __SOCKET__;
my $PLUGIN = __PLUGIN__;
my $ORIGINAL = __ORIGINAL__;
my $MOUNTS = __MOUNTS__;

# What the plugin hands to PVE when it is loaded.
my @SHARED = (__SHARED__);
my $FORMATS = __FORMATS__;
my $STANDARD_OPTIONS = __STANDARD__;
my $FUNCTIONS = __FUNCTIONS__;

my @REMOTE = qw(
    __REMOTE__
);
my @LOCAL = qw(
    __LOCAL__
);

# The host's own version, so that no upgrade of PVE ever makes it complain.
sub api {
    my $host = eval { PVE::Storage::APIVER() };
    return defined($host) ? $host : __LEVEL__;
}

sub type {
    return __TYPE__;
}

sub plugindata {
    return __PLUGINDATA__;
}

# One that another plugin has declared before is used as it is: declaring it again would end every PVE process. PVE asks
# once, and then all are declared.
my $others;

sub properties {
    my $properties = __PROPERTIES__;
    if (!$others) {
        my $declared = eval { PVE::Storage::Plugin->private()->{propertyList} } || {};
        $others = [grep { $declared->{$_} } keys %$properties];
    }
    delete @$properties{@$others};
    return $properties;
}

sub options {
    return __OPTIONS__;
}

for my $type (@SHARED) {
    push @PVE::Storage::Plugin::SHARED_STORAGE, $type
        if !grep { $_ eq $type } @PVE::Storage::Plugin::SHARED_STORAGE;
}

# What is mounted from elsewhere has its place if the configuration names none.
if (defined($MOUNTS)) {
    no strict 'refs';
    *{'check_config'} = sub {
        my ($class, $storeid, $config, $create, @more) = @_;

        $config->{path} = $MOUNTS . $storeid if $create && !$config->{path};
        return $class->SUPER::check_config($storeid, $config, $create, @more);
    };
}

# The forms of names that are not those of PVE's base class: a pattern, what it is, whether it is a base image, its format.
my @NAMES = (__NAMES__);
my $FREEZES = __FREEZES__;

if (@NAMES) {
    no strict 'refs';
    *{'parse_volname'} = sub {
        my ($class, $volname) = @_;

        for my $form (@NAMES) {
            my ($pattern, $vtype, $is_base, $format) = @$form;
            next if $volname !~ m/\A(?:$pattern)\z/;
            return ($vtype, $+{name} // $volname, $+{guest}, undef, undef, $is_base, $format);
        }
        die "unable to parse $PLUGIN volume name '$volname'\n";
    };
    *{'volume_import_formats'} = sub {
        my ($class, $scfg, $storeid, $volname, $snapshot, $base, $with_snapshots) = @_;

        return () if $with_snapshots || defined($snapshot) || defined($base);
        my ($vtype) = eval { $class->parse_volname($volname) };
        return ($vtype // '') eq 'backup' ? () : 'raw+size';
    };
}

if ($FREEZES) {
    no strict 'refs';
    *{'volume_snapshot_needs_fsfreeze'} = sub { return 1 };
}

my $tenon = sub {
    my ($module) = @_;

    local @INC = ($LIBRARY, @INC);
    local $@;
    my $good = eval "require $module; 1";
    return if $good;
    my $reason = $@;
    $reason =~ s/ \(\@INC [^)]*\)//;
    die "Tenon's Perl library cannot be loaded from '$LIBRARY': $reason";
};

# What is inherited, in a program that has no PVE.
sub tenon_call {
    my ($class, $name, $want, @args) = @_;

    $tenon->('Tenon::Proxy');
    return Tenon::Proxy->forward($SOCKET, $PLUGIN, $name, $want, $class, @args);
}

for my $name (@REMOTE) {
    no strict 'refs';
    *{$name} = sub {
        my ($class, @args) = @_;

        $tenon->('Tenon::Proxy');
        return Tenon::Proxy->forward($SOCKET, $PLUGIN, $name, wantarray, $class, @args);
    };
}

for my $name (@LOCAL) {
    no strict 'refs';
    *{$name} = sub {
        my ($class, @args) = @_;

        $tenon->('Tenon::Original');
        return Tenon::Original->call($ORIGINAL, $name, @args);
    };
}

# The code that checks a format, and what others import from the plugin, is the plugin's own.
for my $name (sort keys %$FORMATS) {
    next if eval { PVE::JSONSchema::get_format($name) };
    my ($schema, $has_code) = @{ $FORMATS->{$name} };
    my $check = sub {
        $tenon->('Tenon::Original');
        return Tenon::Original->check($ORIGINAL, $name, @_);
    };
    my @format = !$schema ? $check : $has_code ? ($schema, $check) : $schema;
    eval { require PVE::JSONSchema; PVE::JSONSchema::register_format($name, @format) };
}

for my $name (sort keys %$STANDARD_OPTIONS) {
    eval {
        require PVE::JSONSchema;
        PVE::JSONSchema::register_standard_option($name, $STANDARD_OPTIONS->{$name});
    };
}

if (%$FUNCTIONS) {
    require Exporter;
    no strict 'refs';
    *{'import'} = \&Exporter::import;
    @{'EXPORT'} = grep { $FUNCTIONS->{$_} } sort keys %$FUNCTIONS;
    @{'EXPORT_OK'} = sort keys %$FUNCTIONS;
    for my $name (grep { !defined(&{$_}) } keys %$FUNCTIONS) {
        *{$name} = sub {
            $tenon->('Tenon::Original');
            return Tenon::Original->function($ORIGINAL, $name, @_);
        };
    }
}

1;
