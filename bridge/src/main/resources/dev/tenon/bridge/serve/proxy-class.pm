package PVE::Storage::Custom::__NAME__;

# Made by Tenon (proxy class 1); do not edit. The storage is served by Tenon's daemon. What PVE asks of a plugin when it
# reads its configuration is answered here, without the daemon and without any module but PVE's own.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

my $LIBRARY = __LIBRARY__;
my $SOCKET = __SOCKET__;
my $PLUGIN = __PLUGIN__;
my $ORIGINAL = __ORIGINAL__;
my $MOUNTS = __MOUNTS__;

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

# One that another plugin has declared before is used as it is: declaring it again would end every PVE process.
sub properties {
    my $properties = __PROPERTIES__;
    my $declared = eval { PVE::Storage::Plugin->private()->{propertyList} } || {};
    delete @$properties{ grep { $declared->{$_} } keys %$properties };
    return $properties;
}

sub options {
    return __OPTIONS__;
}

# What is mounted from elsewhere is the same on all nodes, and has its place if the configuration names none.
if (defined($MOUNTS)) {
    my $type = type();
    push @PVE::Storage::Plugin::SHARED_STORAGE, $type if !grep { $_ eq $type } @PVE::Storage::Plugin::SHARED_STORAGE;
    no strict 'refs';
    *{'check_config'} = sub {
        my ($class, $storeid, $config, $create, @more) = @_;

        $config->{path} = $MOUNTS . $storeid if $create && !$config->{path};
        return $class->SUPER::check_config($storeid, $config, $create, @more);
    };
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

1;
