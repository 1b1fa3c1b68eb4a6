*** Settings ***
Documentation     Bring a certificate file to the box and type the lines of a file in configure mode.
...               robot --variable HOST:127.0.0.1 --variable CLI_PORT:10022 --variable SFTP_PORT:12024
...               --variable PASSWORD:admin --variable FILE:new.p12 --variable LINES:renewal.cli rotate.robot
Library           SSHLibrary    timeout=20s    newline=CR
Library           OperatingSystem
Library           String
Suite Teardown    Close All Connections

*** Test Cases ***
The File Is Brought To The Box
    Open Connection    ${HOST}    port=${SFTP_PORT}
    Login    admin    ${PASSWORD}
    Put File    ${FILE}    /opt/sonus/external/

The Lines Are Committed
    Open Connection    ${HOST}    port=${CLI_PORT}    prompt=REGEXP:admin@[\\w.-]+[>%] $
    Login    admin    ${PASSWORD}
    Type    configure
    ${text}=    OperatingSystem.Get File    ${LINES}
    @{lines}=    Split To Lines    ${text}
    FOR    ${line}    IN    @{lines}
        Type    ${line}
    END
    ${answer}=    Type    commit
    Should Contain    ${answer}    Commit complete.

*** Keywords ***
Type
    [Arguments]    ${line}
    Write    ${line}
    ${answer}=    Read Until Prompt
    Should Contain    ${answer}    [ok]
    RETURN    ${answer}
